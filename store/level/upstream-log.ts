/** Storing at the end of the upstream or event log of an app, and telling who listens. */
import {
  LONGEST_KEPT_MS,
  appOfEventLog,
  type EventAppend,
  eventLog,
  type Message,
  type StoreLimits,
  type UpstreamAppend,
} from '../contract.ts'
import { upstreamEntryOf } from '../message.ts'
import { clamp } from './bytes.ts'
import type { Transaction } from './transaction.ts'
import { encodeUpstreamEntry } from './upstream-entry.ts'
import { isRead, withDropped } from './upstream-records.ts'

/** There is one process, so that there is one part. */
export const PART = 0

/** `isHeard`: somebody in this process listens to the app, as things are when it is asked. */
export interface UpstreamContext {
  readonly limits: StoreLimits
  readonly isHeard: (app: string) => boolean
}

/** What the log of this name stores. */
export type Stored = Pick<UpstreamAppend, 'app' | 'tokenId' | 'subject' | 'message'>

/** Of a log by its name. Returns the offset. */
export function storeUpstream(
  transaction: Transaction,
  append: Stored,
  room: { messages: number; bytes: number },
): number {
  const { app, tokenId, subject, message } = append
  const payloadBytes = message.payload.byteLength
  const expiresAt = keptUntil(message)
  const state = transaction.upstream.begun(app)
  let { dropped } = state
  const hasReaders = state.lastEnd > 0
  const log = transaction.upstream.log(app, state)
  log.trim(state.lowest)
  log.makeRoom(payloadBytes, room, (head) => {
    if (hasReaders) dropped = withDropped(dropped, head.offset)
  })
  const { offset } = log.add({
    expiresAt,
    payloadBytes,
    owner: tokenId,
    encode: (offset, indexed) => encodeUpstreamEntry({ offset, message, expiresAt, tokenId, subject, indexed }),
  })
  transaction.upstream.set(app, { ...state, dropped, log: log.state })
  // Another one than before, where it was an owner of what went.
  const token = appOfEventLog(app) === undefined ? transaction.token(tokenId) : undefined
  if (token !== undefined) transaction.upstream.use(tokenId, token, { unread: 1, unreadBytes: payloadBytes })
  return offset
}

function keptUntil({ expiresAt, storedAt }: Message): number {
  return clamp(Math.min(expiresAt, storedAt + LONGEST_KEPT_MS))
}

/** Tells those who listen when it is on disk. */
export function tellUpstream(
  transaction: Transaction,
  isHeard: UpstreamContext['isHeard'],
  append: Stored,
  offset: number,
): void {
  const { app, tokenId, subject, message } = append
  transaction.tell((watcher) => {
    if (!isHeard(app)) return
    const expiresAt = offset === 0 ? message.expiresAt : keptUntil(message)
    watcher.upstreamAppended?.(app, PART, offset, upstreamEntryOf(message, offset, tokenId, subject, expiresAt))
  })
}

/** Events, each at the end of its app's log: the offsets, 0 where nobody reads it. */
export function appendEvents(
  transaction: Transaction,
  context: UpstreamContext,
  events: readonly EventAppend[],
): readonly number[] {
  return events.map((event) =>
    isRead(transaction.upstream.of(eventLog(event.app)), transaction.now) ? storeEvent(transaction, context, event) : 0,
  )
}

/** Whether anybody reads it or not. */
export function storeEvent(transaction: Transaction, { limits, isHeard }: UpstreamContext, event: EventAppend): number {
  const entry = { ...event, app: eventLog(event.app) }
  const offset = storeUpstream(transaction, entry, { messages: limits.eventMessages, bytes: limits.eventBytes })
  tellUpstream(transaction, isHeard, entry, offset)
  return offset
}
