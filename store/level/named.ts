/**
 * Sessions that are known by a name: one record each. What is forgotten leaves its epoch in the floor, below all that is
 * given after it.
 */
import { PushError } from '../../errors.ts'
import type { OpenedNamedSession, SessionClose, SessionWill } from '../contract.ts'
import { clamp } from './bytes.ts'
import { orDamaged } from './database.ts'
import { floorOf, raiseFloor } from './floor.ts'
import { namedStateKey, namedWillKey, sessionReceivedKey } from './keys.ts'
import { decodeBytes, decodeText, encodeBytes, encodeText, hasEnded, type NamedSession } from './named-records.ts'
import { emptyLog, NEVER } from './records.ts'
import { leaveRest } from './session-rest.ts'
import type { Transaction } from './transaction.ts'
import { forgetWill, keepLateWill, keepWill } from './wills.ts'

export function openNamedSession(
  transaction: Transaction,
  name: string,
  cleanStart: boolean,
  keptMs: number,
): OpenedNamedSession {
  const { sessions } = transaction
  const previous = sessions.of(name)
  // One that ended by its time may have left a will.
  const will = previous === undefined || previous.hasWill ? forgetWill(transaction, namedWillKey(name)) : undefined
  const resumed = cleanStart || previous === undefined || hasEnded(previous, transaction.now) ? undefined : previous
  if (previous?.held) transaction.tell((watcher) => watcher.namedSessionEnded?.(name, previous.epoch))
  const last = previous?.hasState ? stateOf(transaction, name) : undefined
  if (previous !== undefined && resumed === undefined) discard(transaction, name, previous)
  const before = resumed ?? newSession(transaction, previous)
  const epoch = before.epoch + 1
  sessions.set(name, {
    ...before,
    epoch,
    held: true,
    unclean: false,
    run: sessions.run(),
    keptMs: clamp(keptMs),
    expiresAt: NEVER,
    hasWill: false,
    born: resumed?.born ?? epoch,
  })
  return {
    epoch,
    ...(last === undefined ? {} : { [resumed === undefined ? 'discarded' : 'state']: last }),
    unclean: resumed?.held === true || resumed?.unclean === true,
    ...(will === undefined || resumed !== undefined ? {} : { will }),
  }
}

/** Offsets and epochs go on where those of before ended. */
function newSession(transaction: Transaction, previous: NamedSession | undefined): NamedSession {
  const floor = floorOf(transaction)
  return {
    epoch: previous?.epoch ?? floor.epoch,
    held: false,
    unclean: false,
    run: 0,
    keptMs: NEVER,
    expiresAt: NEVER,
    indexed: previous?.indexed ?? false,
    hasState: false,
    hasWill: false,
    id: 0,
    table: 0,
    born: 0,
    log: emptyLog(previous?.log.last ?? floor.offset),
    released: 0,
    releasedBytes: 0,
    visitAt: previous?.visitAt ?? 0,
  }
}

/** @throws SESSION_TAKEN_OVER */
export function saveNamedSession(transaction: Transaction, name: string, epoch: number, state: Uint8Array): void {
  const session = heldSession(transaction, name, epoch)
  transaction.put(namedStateKey(name), encodeBytes(state))
  if (!session.hasState) transaction.sessions.set(name, { ...session, hasState: true })
}

export function closeNamedSession(transaction: Transaction, name: string, epoch: number, close: SessionClose): void {
  const session = transaction.sessions.of(name)
  const { state, will } = close
  if (session?.epoch !== epoch) {
    if (state !== undefined && will !== undefined) keepLate(transaction, name, epoch, will)
    return
  }
  if (hasEnded(session, transaction.now)) return
  const key = namedWillKey(name)
  if (session.hasWill) forgetWill(transaction, key)
  if (state === undefined) return endNamedSession(transaction, name, session)
  transaction.put(namedStateKey(name), encodeBytes(state))
  if (will !== undefined) keepWill(transaction, key, epoch, will)
  transaction.sessions.set(name, {
    ...session,
    held: false,
    unclean: false,
    expiresAt: clamp(close.stateExpiresAt),
    hasState: true,
    hasWill: will !== undefined,
  })
}

/** The will of a session that was ended before it was closed. One that the newer session has left stays. */
function keepLate(transaction: Transaction, name: string, epoch: number, will: SessionWill): void {
  const newer = transaction.sessions.of(name)
  const isOver = newer === undefined ? epoch <= floorOf(transaction).epoch : newer.born > epoch && !newer.hasWill
  if (!isOver) return
  keepLateWill(transaction, { name }, newer?.epoch ?? epoch, will)
  if (newer !== undefined) transaction.sessions.set(name, { ...newer, hasWill: true })
}

/** Deletes everything except a due will that nobody has published. */
export function endNamedSession(transaction: Transaction, name: string, session: NamedSession): void {
  discard(transaction, name, session)
  transaction.sessions.set(name, undefined)
  raiseFloor(transaction, { epoch: session.epoch, offset: session.log.last })
}

/** What it has beside its record. */
function discard(transaction: Transaction, name: string, session: NamedSession): void {
  if (session.hasState) transaction.delete(namedStateKey(name))
  leaveRest(transaction, name, session)
}

/** What its due key says: it may have been opened, or its log may have changed, since. */
export function sweepNamedSession(transaction: Transaction, name: string, now: number): void {
  const { sessions } = transaction
  const session = sessions.of(name)
  if (session === undefined) return
  if (hasEnded(session, now)) return endNamedSession(transaction, name, session)
  const { log } = session
  if (log.count === 0 || log.dueAt > now) return sessions.set(name, { ...session, visitAt: 0 })
  const expired = sessions.log(name, session)
  expired.expireHead(now)
  sessions.set(name, { ...session, log: expired.state, visitAt: 0 })
}

/**
 * One that nobody closed.
 * @throws SESSION_TAKEN_OVER
 */
function heldSession(transaction: Transaction, name: string, epoch: number): NamedSession {
  const session = transaction.sessions.of(name)
  if (session?.epoch === epoch && (session.held || session.unclean) && !hasEnded(session, transaction.now)) {
    return session
  }
  throw new PushError('SESSION_TAKEN_OVER')
}

function stateOf(transaction: Transaction, name: string): Buffer | undefined {
  const bytes = transaction.get(namedStateKey(name))
  return bytes && orDamaged(() => decodeBytes(bytes))
}

// QoS 2

/** @throws SESSION_TAKEN_OVER */
export function rememberReceived(
  transaction: Transaction,
  { name, epoch, packetId, known }: { name: string; epoch: number; packetId: number; known: string },
): string | undefined {
  const { sessions } = transaction
  const before = heldSession(transaction, name, epoch)
  const earlier = before.id === 0 ? undefined : transaction.get(sessionReceivedKey(before.id, packetId))
  if (earlier !== undefined) return orDamaged(() => decodeText(earlier))
  const { id } = sessions.numbered(name, before)
  transaction.put(sessionReceivedKey(id, packetId), encodeText(known))
  return undefined
}

/** @throws SESSION_TAKEN_OVER */
export function releaseReceived(
  transaction: Transaction,
  name: string,
  epoch: number,
  packetId: number,
): string | undefined {
  const { id } = heldSession(transaction, name, epoch)
  const key = sessionReceivedKey(id, packetId)
  const known = id === 0 ? undefined : transaction.get(key)
  if (known === undefined) return undefined
  transaction.delete(key)
  return orDamaged(() => decodeText(known))
}
