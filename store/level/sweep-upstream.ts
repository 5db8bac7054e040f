/** What is due of upstream logs. The readers of the app must be prepared. */
import { parseEntryKey } from './keys.ts'
import type { Transaction } from './transaction.ts'
import { hasEnded, movedReader, setStanding } from './upstream-readers.ts'
import { isNothing } from './upstream-records.ts'

export function sweepUpstream(transaction: Transaction, due: Buffer, time: number, app: string, now: number): void {
  const { upstream } = transaction
  const state = upstream.of(app)
  if (state.visitAt !== time) return transaction.delete(due)
  const log = upstream.log(app, state)
  log.trim(state.lowest)
  if (log.state.count > 0 && log.state.dueAt <= now) log.expireHead(now)
  upstream.set(app, { ...state, log: log.state, visitAt: 0 })
  sweepReaders(transaction, app, now)
}

export function sweepUpstreamEntry(transaction: Transaction, key: Buffer, now: number): void {
  const { name, offset } = parseEntryKey(key)
  const { upstream } = transaction
  const state = upstream.of(name)
  if (isNothing(state)) return transaction.delete(key)
  const log = upstream.log(name, state)
  log.trim(state.lowest)
  log.expireOne(offset, now)
  upstream.set(name, { ...state, log: log.state })
  sweepReaders(transaction, name, now)
}

/** Those that have ended go, and those that wait for what has gone move on. */
function sweepReaders(transaction: Transaction, app: string, now: number): void {
  const { upstream } = transaction
  for (const [name, reader] of [...upstream.readers(app).all()]) {
    if (hasEnded(reader, now)) {
      upstream.setReader(app, name, undefined)
    } else if (reader.settled.length > 0) {
      const moved = movedReader(transaction, app, reader, reader.cursor, reader.settled)
      if (moved.cursor > reader.cursor) upstream.setReader(app, name, moved)
    }
  }
  setStanding(transaction, app)
}
