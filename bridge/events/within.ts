/**
 * Detects a cursor beyond the end of a log, which came from another store, or from this one before it lost data.
 * Continuing from it would return nothing until the log has grown that far, and acknowledging it would acknowledge
 * unread events.
 */
import { PushError } from '../../errors.ts'
import { appOfEventLog, type Store } from '../../store/contract.ts'
import type { EventMoves } from './event-cursor.ts'
import type { Standing } from './standing.ts'

/** One that only the store knows to be there: nothing is to be in the answer. */
const LEAST = { entries: 1, bytes: 1 }

/** @throws CURSOR_INVALID, STORE_UNAVAILABLE */
export async function checkWithin(
  store: Pick<Store, 'readUnread'>,
  standings: readonly Standing[],
  moves: EventMoves,
): Promise<void> {
  await Promise.all(
    standings.flatMap((standing) => {
      const { log: app, reader } = standing
      const ofLog = appOfEventLog(app) === undefined ? moves.upstream : moves.events
      // What this process knows may be behind.
      const further = ofLog.filter(({ part, cursor }) => cursor > standing.end(part))
      return further.map(async ({ part, cursor }) => {
        const { slice } = await store.readUnread({ app, reader, part, after: cursor, limit: LEAST })
        if (slice.end < cursor)
          throw new PushError('CURSOR_INVALID', 'the cursor is from another store, or this one lost its data')
        standing.grown(part, slice.end)
      })
    }),
  )
}
