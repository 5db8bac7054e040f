/** Publishing upstream. */
import { PushError } from '../../errors.ts'
import {
  type GroupAppend,
  type GroupAppended,
  groupLog,
  type ReaderMove,
  type StoreLimits,
  type TokenId,
  type UpstreamAppend,
  type UpstreamAppended,
  type UpstreamEntry,
} from '../contract.ts'
import { groupUidKey, receivedKey } from './keys.ts'
import { isReceived, withoutReceived, withReceived } from './received.ts'
import type { TokenState } from './records.ts'
import { honoured } from './tokens.ts'
import type { Transaction } from './transaction.ts'
import { forgetUidAt, isKnownUid, rememberUid } from './uids.ts'
import { PART, type Stored, storeUpstream, tellUpstream, type UpstreamContext } from './upstream-log.ts'
import { isRead, keepsUnread } from './upstream-records.ts'
import { checkRetained, retainUpstream } from './upstream-retained.ts'

/** The share of the log that one token id may have unread; of bytes, at least this many. */
const SHARE = 10
const LEAST_SHARE_BYTES = 1024 ** 2

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
  const offset = stores ? storeUpstream(transaction, append, room) : 0
  if (message.retain) retainUpstream(transaction, append, offset)
  if (received !== undefined) remember(transaction, tokenId, received)
  if (stores || as === 'told') tellUpstream(transaction, isHeard, append, offset)
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

/** A token id without unread messages is never refused, because no reader could make room for it. */
function checkShare({ upstream }: TokenState, limits: StoreLimits, payloadBytes: number): void {
  if (upstream === undefined || upstream.unread === 0) return
  const { upstreamMessages, upstreamBytes } = limits
  const bytes = Math.max(upstreamBytes / SHARE, Math.min(LEAST_SHARE_BYTES, upstreamBytes))
  if (upstream.unread + 1 <= upstreamMessages / SHARE && upstream.unreadBytes + payloadBytes <= bytes) return
  throw new PushError('UPSTREAM_SHARE')
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
  const offset = storeUpstream(transaction, append, { messages: Infinity, bytes: Infinity })
  if (uidKey !== undefined) rememberUid(transaction, uidKey)
  tellUpstream(transaction, isHeard, append, offset)
  return 'stored'
}

export function forgetGroupUid(transaction: Transaction, uid: string, groups: readonly TokenId[]): void {
  for (const group of groups) forgetUidAt(transaction, groupUidKey(groupLog(group), uid))
}

/** Acknowledged entries, and expired ones if there is no room otherwise, do not count against the limit. */
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
    if (!keepsUnread(log) && !isRead(transaction.upstream.of(log), transaction.now)) return { part: PART, cursor: 0 }
    const { tokenId, subject } = entry
    const append = { app: log, tokenId, subject, message: entry }
    const offset = storeUpstream(transaction, append, { messages: Infinity, bytes: Infinity })
    tellUpstream(transaction, isHeard, append, offset)
    return { part: PART, cursor: offset }
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
