/** Acknowledges what a device received from a lookup or a stream. */
import type { Metrics } from '../common/metrics.ts'
import type { BroadcastCounter } from '../store/broadcast-counter.ts'
import type { Store } from '../store/contract.ts'
import { standing } from '../store/marks.ts'
import type { KnownDevice } from './authenticate.ts'
import type { PageCursor } from './page-cursor.ts'

const DESTINATIONS = ['private', 'broadcast'] as const

interface AcknowledgeContext {
  readonly store: Pick<Store, 'commit'>
  readonly metrics: Metrics
  readonly counts: Pick<BroadcastCounter, 'acknowledged'>
}

/** All that the cursor says. @throws STORE_UNAVAILABLE */
export type Acknowledge = (known: KnownDevice, cursor: PageCursor) => Promise<void>

export function createAcknowledge({ store, metrics, counts }: AcknowledgeContext): Acknowledge {
  return async ({ device, record }, { taken, messages, expired, counted, ...cursor }) => {
    const { tokenId, version } = device
    await store.commit([
      {
        tokenId,
        private: cursor.private,
        ...(version === undefined || cursor.broadcast === 0 ? {} : { passed: [[version, cursor.broadcast]] }),
        ...(taken.private.length + taken.broadcast.length > 0 ? { taken } : {}),
        ...(expired.length > 0 ? { passedAs: expired.map((offset) => [offset, 'expired'] as const) } : {}),
      },
    ])
    const before = {
      private: record.cursors.private,
      broadcast: version === undefined ? cursor.broadcast : standing(record.cursors, version),
    }
    for (const destination of DESTINATIONS) {
      // What was acknowledged before, here or over MQTT, is not counted again.
      const moved = Math.max(0, cursor[destination] - before[destination]) + taken[destination].length
      metrics.acknowledged.inc({ destination }, Math.min(moved, messages[destination]))
    }
    for (const offset of counted)
      if (offset > before.broadcast || taken.broadcast.includes(offset)) counts.acknowledged(device.app, offset)
  }
}
