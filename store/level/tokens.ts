/** The token registry and the sessions. */
import { PushError } from '../../errors.ts'
import type {
  DeviceHeld,
  Missed,
  OpenedSession,
  OpenSessionRequest,
  RegisteredToken,
  Registering,
  RestoredToken,
  Revocation,
  SessionClose,
  SessionEnd,
  SessionWill,
  TokenDetails,
  TokenHolder,
  TokenId,
  TokenInspection,
  TokenRecord,
  TokenRegistration,
} from '../contract.ts'
import { isLater } from '../details.ts'
import { refusalOf } from '../honoured.ts'
import { clamp } from './bytes.ts'
import { floorOf } from './floor.ts'
import { currentKey, receivedKey, retainedPrivateKey, sessionStateKey, tokenWillKey } from './keys.ts'
import { cursorsOf, emptyLog, NEVER, type StoredSession, type TokenState } from './records.ts'
import { changeDetails, detailsOf, knownDetails } from './token-details.ts'
import type { Transaction } from './transaction.ts'
import { forgetRetained } from './upstream-retained.ts'
import { forgetWill, keepLateWill, keepWill } from './wills.ts'

/**
 * `holdMs`: how long an account keeps a device.
 * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED for a renewal
 */
export function registerToken(
  transaction: Transaction,
  registration: TokenRegistration,
  registering: Registering,
  holdMs: number,
): RegisteredToken | DeviceHeld {
  const { tokenId, app, deviceMark, expiresAt } = registration
  const key = currentKey(app, deviceMark)
  const previous = transaction.get(key)?.toString()
  const known = transaction.token(tokenId)
  if (registering.kind === 'renewal') honoured(known, app, registering.generation)
  if (registering.kind === 'free' && previous !== undefined && previous !== tokenId) {
    const heldBy = holderOf(transaction, previous, holdMs)
    if (heldBy !== undefined && !isNamed(heldBy, registering.holder)) return { heldBy }
  }
  const token = known ?? newToken(transaction, registration)
  const lost = registering.kind === 'renewal' ? registering.generation : 0
  const before = detailsOf(transaction, tokenId)
  const details = changeDetails(transaction, tokenId, registration.details)
  // What was issued before a bulk revocation stays refused, even if the record of it is lost.
  const isRevoked = registering.kind !== 'renewal' && isLater(details.epochs, before.epochs)
  const isNew = known === undefined || (token.current && !isRevoked)
  const generation = Math.max(isNew ? token.generation : token.generation + 1, lost)
  transaction.setToken(tokenId, {
    ...token,
    generation,
    revoked: false,
    current: true,
    expiresAt: Math.max(token.expiresAt, clamp(expiresAt)),
    hasTags: details.tags.length > 0,
    lastSeen: seenAt(transaction),
  })
  const registered = { generation, details }
  if (previous === tokenId) return registered
  transaction.put(key, Buffer.from(tokenId))
  return previous === undefined ? registered : { ...registered, ...supersede(transaction, previous) }
}

function supersede(transaction: Transaction, previous: TokenId): { switchedFrom: TokenId } {
  const other = transaction.token(previous)
  if (other !== undefined) {
    const session = endSession(transaction, previous, other, 'TOKEN_SUPERSEDED')
    transaction.setToken(previous, { ...other, current: false, session, seen: seenBy(other) })
  }
  return { switchedFrom: previous }
}

/** The token id that is current for a device, where it holds it. */
function holderOf(transaction: Transaction, tokenId: TokenId, holdMs: number): DeviceHeld['heldBy'] | undefined {
  const token = transaction.token(tokenId)
  if (token === undefined || token.revoked || token.expiresAt + holdMs <= transaction.now) return undefined
  return { tokenId, generation: token.generation, details: detailsOf(transaction, tokenId) }
}

function isNamed(holder: TokenHolder, named: TokenHolder | undefined): boolean {
  return holder.tokenId === named?.tokenId && holder.generation === named.generation
}

/** @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED where a JWT of this generation is not honoured */
export function honoured(token: TokenState | undefined, app: string | undefined, generation: number): TokenState {
  if (token === undefined || (app !== undefined && token.app !== app)) throw new PushError('TOKEN_UNKNOWN')
  const refusal = refusalOf(token, generation)
  if (refusal !== undefined) throw new PushError(refusal)
  return token
}

/** To the second. */
function seenAt({ now }: Transaction): number {
  return Math.floor(now / 1000) * 1000
}

function newToken(transaction: Transaction, { app, deviceMark, expiresAt }: TokenRegistration): TokenState {
  const floor = floorOf(transaction)
  return {
    app,
    deviceMark,
    generation: floor.generation + 1,
    revoked: false,
    current: true,
    expiresAt: clamp(expiresAt),
    cursor: floor.offset,
    broadcastCursor: transaction.app(app).log.last,
    marks: undefined,
    log: emptyLog(floor.offset),
    epoch: floor.epoch,
    session: undefined,
    retainedUntil: 0,
    upstream: undefined,
    visitAt: 0,
    hasTags: false,
    lastSeen: 0,
    seen: 0,
    missed: undefined,
  }
}

/** What is known here stays; it only moves forward. What the token id retains must be prepared. */
export function restoreToken(transaction: Transaction, restored: RestoredToken): TokenRecord {
  const { registration, generation, broadcastCursor, marks, lastSeen = 0, missed = 0 } = restored
  const { tokenId, app, deviceMark, expiresAt } = registration
  const known = transaction.token(tokenId)
  const token = known ?? {
    ...newToken(transaction, registration),
    generation,
    marks,
    current: restored.current && takePlace(transaction, currentKey(app, deviceMark), tokenId),
  }
  const revoked =
    generation === token.generation
      ? token.revoked || restored.revoked
      : generation > token.generation
        ? restored.revoked
        : token.revoked
  const details = knownDetails(transaction, tokenId) ?? changeDetails(transaction, tokenId, restored.details)
  const merged = {
    ...token,
    generation: Math.max(generation, token.generation),
    revoked,
    expiresAt: Math.max(token.expiresAt, clamp(expiresAt)),
    broadcastCursor: known === undefined ? broadcastCursor : Math.max(token.broadcastCursor, broadcastCursor),
    hasTags: details.tags.length > 0,
    lastSeen: Math.max(token.lastSeen, lastSeen),
    missed: missed === 0 ? token.missed : withMissed(token, missed, 0),
  }
  transaction.setToken(tokenId, merged)
  if (merged.revoked) {
    forgetRetained(transaction, tokenId)
    forgetWill(transaction, tokenWillKey(tokenId))
  }
  return recordOf(merged, details)
}

/** More of what its device has not acknowledged went, up to `lastDropped`. */
export function withMissed({ cursor, missed }: TokenState, more: number, lastDropped: number): Missed {
  return { count: (missed?.count ?? 0) + more, through: Math.max(cursor, lastDropped, missed?.through ?? 0) }
}

/** False if another one is there. */
function takePlace(transaction: Transaction, key: Buffer, tokenId: TokenId): boolean {
  if (transaction.get(key) !== undefined) return false
  transaction.put(key, Buffer.from(tokenId))
  return true
}

export function recordOf(token: TokenState, details: TokenDetails): TokenRecord {
  const { app, generation, revoked, current, expiresAt, lastSeen } = token
  return { app, generation, revoked, current, cursors: cursorsOf(token), expiresAt, details, lastSeen }
}

export function inspectionOf(token: TokenState, details: TokenDetails, now: number): TokenInspection {
  const { session, log } = token
  const isKept = session !== undefined && (session.unclean || session.expiresAt > now)
  return {
    ...recordOf(token, details),
    session: session?.held === true ? 'connected' : isKept ? 'kept' : 'none',
    privateEnd: log.last,
    pending: { messages: log.count, bytes: log.bytes },
  }
}

/**
 * What the token id retains must be prepared.
 * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED for a generation
 */
export function revokeToken(transaction: Transaction, tokenId: TokenId, { generation, purge }: Revocation): boolean {
  const token = transaction.token(tokenId)
  if (generation !== undefined) honoured(token, undefined, generation)
  if (token === undefined) return false
  if (!token.revoked) {
    const session = endSession(transaction, tokenId, token, 'TOKEN_REVOKED')
    transaction.setToken(tokenId, {
      ...token,
      revoked: true,
      generation: token.generation + 1,
      session,
      seen: seenBy(token),
    })
    forgetRetained(transaction, tokenId)
    forgetWill(transaction, tokenWillKey(tokenId))
  }
  if (purge === true) purgeLogs(transaction, tokenId)
  return true
}

/**
 * Nothing of before is pending: the log goes at once, except for the rest of a long one whose messages nobody follows, which the
 * next calls trim.
 */
function purgeLogs(transaction: Transaction, tokenId: TokenId): void {
  const token = transaction.token(tokenId)
  if (token === undefined) return
  const log = transaction.privateLog(tokenId, token)
  if (log.state.marks !== 0) {
    for (const offset of token.marks?.skippedPrivate ?? []) log.endOne(offset, 'purged')
    const { head, last } = log.state
    for (let offset = Math.max(head, token.cursor + 1); offset <= last; offset += 1) log.endOne(offset, 'purged')
  } else {
    transaction.counts.private.purged += log.state.count
  }
  log.trim(log.state.last)
  if (token.retainedUntil > 0) transaction.delete(retainedPrivateKey(tokenId))
  transaction.setToken(tokenId, {
    ...token,
    log: log.state,
    cursor: log.state.last,
    broadcastCursor: transaction.app(token.app).log.last,
    marks: undefined,
    retainedUntil: 0,
    missed: undefined,
  })
}

/** Longer than the system keeps what it was given to write: a session that ends later is on disk as open before that. */
const WRITTEN_BACK_MS = 60_000

/**
 * That a session is taken up again need not be synced: where the machine crashes, it is as it was closed, which costs what a
 * lost commit costs. Everything else is.
 * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED
 */
export function openSession(transaction: Transaction, request: OpenSessionRequest): OpenedSession {
  const { tokenId } = request
  const token = honoured(transaction.token(tokenId), request.app, request.generation)
  const previous = token.session
  if (previous?.held) endSession(transaction, tokenId, token, 'SESSION_TAKEN_OVER')
  const will = previous?.hasWill ? forgetWill(transaction, tokenWillKey(tokenId)) : undefined
  const resumed =
    request.cleanStart || previous === undefined || hasEnded(previous, transaction.now) ? undefined : previous
  const state = resumed?.hasState ? transaction.get(sessionStateKey(tokenId)) : undefined
  // Without state its session is not present to the device, so that its packet ids begin again too.
  if (previous !== undefined && state === undefined) forgetSession(transaction, tokenId, previous)
  const hasReceived = state !== undefined && previous?.hasReceived === true
  const epoch = token.epoch + 1
  const session = {
    held: true,
    unclean: false,
    hasState: state !== undefined,
    hasReceived,
    hasWill: false,
    run: transaction.sessions.run(),
    expiresAt: NEVER,
    dropped: previous?.held && resumed === undefined ? token.epoch : (previous?.dropped ?? 0),
  }
  transaction.setToken(tokenId, { ...token, epoch, session, lastSeen: seenAt(transaction) })
  const isAsBefore = state !== undefined && previous?.hasWill === false
  if (!isAsBefore || previous.expiresAt <= transaction.now + WRITTEN_BACK_MS) transaction.sync()
  return {
    epoch,
    ...(state === undefined ? {} : { state }),
    unclean: resumed !== undefined && (resumed.held || resumed.unclean),
    ...(will === undefined || resumed !== undefined ? {} : { will }),
    cursors: cursorsOf(token),
    privateEnd: token.log.last,
    ...(token.missed === undefined ? {} : { missed: token.missed }),
    ...(token.hasTags ? { tags: detailsOf(transaction, tokenId).tags } : {}),
  }
}

/** @throws SESSION_TAKEN_OVER */
export function saveSession(transaction: Transaction, tokenId: TokenId, epoch: number, state: Uint8Array): void {
  const token = transaction.token(tokenId)
  if (token?.epoch !== epoch || token.session?.held !== true) throw new PushError('SESSION_TAKEN_OVER')
  transaction.put(sessionStateKey(tokenId), Buffer.from(state))
  if (token.session.hasState) return
  transaction.setToken(tokenId, { ...token, session: { ...token.session, hasState: true } })
}

/** Where the machine crashes, a session that is kept may be as it was while it was open: not closed. Its end is synced. */
export function closeSession(transaction: Transaction, tokenId: TokenId, epoch: number, close: SessionClose): void {
  const token = transaction.token(tokenId)
  const { state, will } = close
  if (token === undefined || token.session === undefined) return
  if (token.epoch !== epoch) {
    if (state !== undefined && will !== undefined) keepLate(transaction, tokenId, epoch, will)
    return
  }
  if (hasEnded(token.session, transaction.now)) return
  const seen = seenBy(token)
  const key = sessionStateKey(tokenId)
  if (state === undefined || will !== undefined || token.session.hasWill) transaction.sync()
  if (token.session.hasWill) forgetWill(transaction, tokenWillKey(tokenId))
  if (state === undefined) {
    forgetSession(transaction, tokenId, token.session)
    return transaction.setToken(tokenId, { ...token, session: undefined, seen, lastSeen: seenAt(transaction) })
  }
  transaction.put(key, Buffer.from(state))
  const { hasReceived } = token.session
  if (will !== undefined) keepWill(transaction, tokenWillKey(tokenId), epoch, will)
  const session = {
    held: false,
    unclean: false,
    hasState: true,
    hasReceived,
    hasWill: will !== undefined,
    run: 0,
    expiresAt: clamp(close.stateExpiresAt),
    dropped: token.session.dropped,
  }
  transaction.setToken(tokenId, { ...token, session, seen, lastSeen: seenAt(transaction) })
}

/**
 * The will of a session that a clean start has ended before it was closed. One that the newer session has left stays. A
 * device that was revoked, or is another account's now, has none.
 */
function keepLate(transaction: Transaction, tokenId: TokenId, epoch: number, will: SessionWill): void {
  const token = transaction.token(tokenId)
  if (token?.session === undefined || token.revoked || !token.current) return
  if (token.session.dropped < epoch || token.session.hasWill) return
  transaction.sync()
  keepLateWill(transaction, { tokenId }, token.epoch, will)
  transaction.setToken(tokenId, { ...token, session: { ...token.session, hasWill: true } })
}

/** What is kept beside the record of its token id. */
export function forgetSession(transaction: Transaction, tokenId: TokenId, session: StoredSession): void {
  if (session.hasState) transaction.delete(sessionStateKey(tokenId))
  if (session.hasReceived) transaction.delete(receivedKey(tokenId))
}

/** A session that nobody holds ends at its time. One that was not closed waits for its device. */
export function hasEnded(session: StoredSession, now: number): boolean {
  return !session.held && !session.unclean && session.expiresAt <= now && session.expiresAt < NEVER
}

/** Whoever holds the session may have seen everything. */
export function seenBy({ session, log, seen, cursor }: TokenState): number {
  return session?.held === true ? log.last : Math.max(seen, cursor)
}

function endSession(
  transaction: Transaction,
  tokenId: TokenId,
  { session, epoch }: TokenState,
  reason: SessionEnd,
): StoredSession | undefined {
  if (session?.held !== true) return session
  transaction.tell((watcher) => watcher.sessionEnded(tokenId, epoch, reason))
  return { ...session, held: false, unclean: true }
}
