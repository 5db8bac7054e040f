/** How many acknowledged a broadcast whose id is remembered. It is there from the append on, as long as the id. */
import type { BroadcastCount, BroadcastCounts } from '../contract.ts'
import { ValueReader, ValueWriter } from './bytes.ts'
import { broadcastCountKey } from './keys.ts'
import type { Transaction } from './transaction.ts'

const NUMBER_BYTES = 8

export const NOBODY: BroadcastCounts = { acknowledged: 0, sent: 0 }

export function encodeCounts({ acknowledged, sent }: BroadcastCounts): Buffer {
  return new ValueWriter(2 * NUMBER_BYTES).number(acknowledged).number(sent).done()
}

export function decodeCounts(bytes: Buffer): BroadcastCounts {
  const from = new ValueReader(bytes)
  return { acknowledged: from.number(), sent: from.number() }
}

export function countBroadcasts(transaction: Transaction, counts: readonly BroadcastCount[]): void {
  for (const { app, offset, acknowledged, sent } of counts) {
    const key = broadcastCountKey(app, offset)
    const bytes = transaction.get(key)
    if (bytes === undefined) continue
    const before = decodeCounts(bytes)
    transaction.put(key, encodeCounts({ acknowledged: before.acknowledged + acknowledged, sent: before.sent + sent }))
  }
}
