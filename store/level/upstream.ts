/** Publishing upstream. */
import { PushError } from '../../errors.ts'
import {
  appOfEventLog,
  type EventAppend,
  eventLog,
  type GroupAppend,
  type GroupAppended,
  groupLog,
  type Message,
  type ReaderMove,
  type StoreLimits,
  type TokenId,
  type UpstreamAppend,
  type UpstreamAppended,
  type UpstreamEntry,
} from '../contract.ts'
import { upstreamEntryOf } from '../message.ts'
import { clamp } from './bytes.ts'
import { groupUidKey, receivedKey } from './keys.ts'
import { isReceived, withoutReceived, withReceived } from './received.ts'
import type { TokenState } from './records.ts'
import { honoured } from './tokens.ts'
import type { Transaction } from './transaction.ts'
import { encodeUpstreamEntry } from './upstream-entry.ts'
import { forgetUidAt, isKnownUid, rememberUid } from './uids.ts'
import { isRead, withDropped } from './upstream-records.ts'
import { checkRetained, retainUpstream } from './upstream-retained.ts'

/** There is one process, so that there is one part. */
export const PART = 0

const KEPT_MS = 7 * 24 * 60 * 60 * 1000
/** Of what the log may hold, one token id may have this part unread; of bytes at least so many, if there are. */
const SHARE = 10
const LEAST_SHARE_BYTES = 1024 ** 2

/** `isHeard`: somebody in this process listens to the app, as things are when it is asked. */
export interface UpstreamContext {
  readonly limits: StoreLimits
  readonly isHeard: (app: string) => boolean
}

/** What the log of this name stores. */
type Stored = Pick<UpstreamAppend, 'app' | 'tokenId' | 'subject' | 'message'>

/** @throws what the contract says, before anything is changed: a flood of refusals costs the others nothing. */
export function appendUpstream(
  transaction: Transaction,
  { limits, isHeard }: UpstreamContext,
  append: UpstreamAppend,
): UpstreamAppended {
  const { app, tokenId, message, received, as } = append
  const token = publisher(transaction, append)
  const state = transaction.upstream.of(app)
  const hasReader = isRead(state, transaction.now)
  const stores = hasReader && as === 'stored'
  const read = hasReader || (as === 'told' && isHeard(app))
  if (received !== undefined && token.session?.hasReceived === true) {
    if (isReceived(transaction.get(receivedKey(tokenId)), received)) return { offset: 0, duplicate: true, read }
  }
  if (stores) checkShare(token, limits, message.payload.byteLength)
  if (message.retain) checkRetained(transaction, limits, token, append)

  const room = { messages: limits.upstreamMessages, bytes: limits.upstreamBytes }
  const offset = stores ? store(transaction, append, room) : 0
  if (message.retain) retainUpstream(transaction, append, offset)
  if (received !== undefined) remember(transaction, tokenId, received)
  if (stores || as === 'told') tell(transaction, isHeard, append, offset)
  return { offset, duplicate: false, read }
}

function publisher(transaction: Transaction, append: UpstreamAppend): TokenState {
  const { app, tokenId, generation, epoch } = append
  const token = honoured(transaction.token(tokenId), app, generation)
  if (epoch !== undefined) checkSession(token, epoch)
  return token
}

function checkSession(token: TokenState | undefined, epoch: number): asserts token is TokenState {
  if (token?.epoch !== epoch || token.session?.held !== true) throw new PushError('SESSION_TAKEN_OVER')
}

/** Who has nothing unread is never refused: no reader could ever make room for it. */
function checkShare({ upstream }: TokenState, limits: StoreLimits, payloadBytes: number): void {
  if (upstream === undefined || upstream.unread === 0) return
  const { upstreamMessages, upstreamBytes } = limits
  const bytes = Math.max(upstreamBytes / SHARE, Math.min(LEAST_SHARE_BYTES, upstreamBytes))
  if (upstream.unread + 1 <= upstreamMessages / SHARE && upstream.unreadBytes + payloadBytes <= bytes) return
  throw new PushError('UPSTREAM_SHARE')
}

/** Events, each at the end of its app's log: the offsets, 0 where nobody reads it. */
export function appendEvents(
  transaction: Transaction,
  { limits, isHeard }: UpstreamContext,
  events: readonly EventAppend[],
): readonly number[] {
  const room = { messages: limits.eventMessages, bytes: limits.eventBytes }
  return events.map((event) => {
    const entry = { ...event, app: eventLog(event.app) }
    if (!isRead(transaction.upstream.of(entry.app), transaction.now)) return 0
    const offset = store(transaction, entry, room)
    tell(transaction, isHeard, entry, offset)
    return offset
  })
}

export function appendGroup(
  transaction: Transaction,
  { limits, isHeard }: UpstreamContext,
  { group, subject, message, uid }: GroupAppend,
): GroupAppended {
  const append = { app: groupLog(group), tokenId: group, subject, message }
  const state = transaction.upstream.of(append.app)
  if (!isRead(state, transaction.now)) return 'gone'
  const uidKey = uid === undefined ? undefined : groupUidKey(append.app, uid)
  if (uidKey !== undefined && isKnownUid(transaction, uidKey)) return 'duplicate'
  if (!hasRoom(transaction, append, limits)) {
    transaction.counts.session.dropped += 1
    return 'full'
  }
  const offset = store(transaction, append, { messages: Infinity, bytes: Infinity })
  if (uidKey !== undefined) rememberUid(transaction, uidKey)
  tell(transaction, isHeard, append, offset)
  return 'stored'
}

export function forgetGroupUid(transaction: Transaction, uid: string, groups: readonly TokenId[]): void {
  for (const group of groups) forgetUidAt(transaction, groupUidKey(groupLog(group), uid))
}

/** What was acknowledged, and what has expired where there is no room otherwise, is in nobody's way. */
function hasRoom(transaction: Transaction, { app, message }: Stored, limits: StoreLimits): boolean {
  const { upstream, now } = transaction
  const state = upstream.of(app)
  const log = upstream.log(app, state)
  const fits = () =>
    log.state.count < limits.storedMessages && log.state.bytes + message.payload.byteLength <= limits.storedBytes
  log.trim(state.lowest)
  if (!fits() && log.state.count > 0) log.expireHead(now)
  upstream.set(app, { ...state, log: log.state })
  return fits()
}

/** Entries of another store, whatever is known of their token ids, and whatever the limits are. */
export function restoreUpstream(
  transaction: Transaction,
  isHeard: UpstreamContext['isHeard'],
  log: string,
  entries: readonly UpstreamEntry[],
): readonly ReaderMove[] {
  return entries.map((entry) => {
    if (!isRead(transaction.upstream.of(log), transaction.now)) return { part: PART, cursor: 0 }
    const { tokenId, subject } = entry
    const append = { app: log, tokenId, subject, message: entry }
    const offset = store(transaction, append, { messages: Infinity, bytes: Infinity })
    tell(transaction, isHeard, append, offset)
    return { part: PART, cursor: offset }
  })
}

/** Of a log by its name. Gives the offset. */
function store(transaction: Transaction, append: Stored, room: { messages: number; bytes: number }): number {
  const { app, tokenId, subject, message } = append
  const payloadBytes = message.payload.byteLength
  const expiresAt = keptUntil(message)
  const state = transaction.upstream.of(app)
  let { dropped } = state
  const log = transaction.upstream.log(app, state)
  log.trim(state.lowest)
  log.makeRoom(payloadBytes, room, (head) => {
    dropped = withDropped(dropped, head.offset)
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
  return clamp(Math.min(expiresAt, storedAt + KEPT_MS))
}

/** Whoever listens by the time that it is on disk. */
function tell(transaction: Transaction, isHeard: UpstreamContext['isHeard'], append: Stored, offset: number): void {
  const { app, tokenId, subject, message } = append
  transaction.tell((watcher) => {
    if (!isHeard(app)) return
    const expiresAt = offset === 0 ? message.expiresAt : keptUntil(message)
    watcher.upstreamAppended?.(app, PART, offset, upstreamEntryOf(message, offset, tokenId, subject, expiresAt))
  })
}

// QoS 2

function remember(transaction: Transaction, tokenId: TokenId, packetId: number): void {
  const token = transaction.token(tokenId)
  if (token?.session === undefined) return
  const { session } = token
  const key = receivedKey(tokenId)
  transaction.put(key, withReceived(session.hasReceived ? transaction.get(key) : undefined, packetId))
  if (!session.hasReceived) transaction.draft(tokenId, token).session = { ...session, hasReceived: true }
}

/** @throws SESSION_TAKEN_OVER */
export function releaseUpstream(transaction: Transaction, tokenId: TokenId, epoch: number, packetId: number): boolean {
  const token = transaction.token(tokenId)
  checkSession(token, epoch)
  const key = receivedKey(tokenId)
  const bytes = token.session?.hasReceived === true ? transaction.get(key) : undefined
  if (bytes === undefined || !isReceived(bytes, packetId)) return false
  const rest = withoutReceived(bytes, packetId)
  if (rest === undefined) transaction.delete(key)
  else transaction.put(key, rest)
  return true
}
