/** Wills that are kept with a session that was closed: each has a due key, at its time, and after that until it is published. */
import type { SessionOwner, SessionWill } from '../contract.ts'
import { clamp } from './bytes.ts'
import { orDamaged } from './database.ts'
import { dueKey, Kind, nameOf, namedWillKey, tokenWillKey } from './keys.ts'
import { decodeWill, encodeWill, type StoredWill } from './named-records.ts'
import type { Transaction } from './transaction.ts'

/** What nobody took is told again. */
const AGAIN_MS = 60_000

export function keyOfWill(owner: SessionOwner): Buffer {
  return 'name' in owner ? namedWillKey(owner.name) : tokenWillKey(owner.tokenId)
}

/** There is none before. */
export function keepWill(
  transaction: Transaction,
  key: Buffer,
  epoch: number,
  { publishAt, value }: SessionWill,
): void {
  const dueAt = clamp(publishAt)
  write(transaction, key, { epoch, publishAt: dueAt, takenUntil: 0, dueAt, value: Buffer.from(value) })
}

/** Of a session that was ended before it was closed: it goes with the one of `epoch`, and is due now. */
export function keepLateWill(transaction: Transaction, owner: SessionOwner, epoch: number, will: SessionWill): void {
  keepWill(transaction, keyOfWill(owner), epoch, { ...will, publishAt: transaction.now })
  transaction.tell((watcher) => watcher.willDue?.(owner, epoch))
}

/** Returns the one that was there, unless somebody has taken it. */
export function forgetWill(transaction: Transaction, key: Buffer): Uint8Array | undefined {
  const will = willAt(transaction, key)
  if (will === undefined) return undefined
  transaction.delete(dueKey(will.dueAt, key))
  transaction.delete(key)
  return will.takenUntil > transaction.now ? undefined : will.value
}

export function takeWill(
  transaction: Transaction,
  owner: SessionOwner,
  epoch: number,
  until: number,
): Uint8Array | undefined {
  const { now } = transaction
  const key = keyOfWill(owner)
  const will = willAt(transaction, key)
  if (will?.epoch !== epoch || will.publishAt > now || will.takenUntil > now) return undefined
  if (isStale(transaction, owner, epoch)) return undefined
  transaction.delete(dueKey(will.dueAt, key))
  const takenUntil = clamp(until)
  write(transaction, key, { ...will, takenUntil, dueAt: Math.max(takenUntil, now + 1) })
  return will.value
}

export function willPublished(transaction: Transaction, owner: SessionOwner, epoch: number): void {
  const key = keyOfWill(owner)
  if (willAt(transaction, key)?.epoch === epoch) forgetWill(transaction, key)
}

/** Its due key is gone. */
export function sweepWill(transaction: Transaction, key: Buffer, now: number): void {
  const will = willAt(transaction, key)
  if (will === undefined || will.dueAt > now) return
  const owner = key[0] === Kind.namedWill ? { name: nameOf(key) } : { tokenId: nameOf(key) }
  const { epoch } = will
  if (isStale(transaction, owner, epoch)) return transaction.delete(key)
  transaction.tell((watcher) => watcher.willDue?.(owner, epoch))
  write(transaction, key, { ...will, dueAt: now + AGAIN_MS })
}

/** The session was opened since. One that ended by its time is not known any more, and its will goes out all the same. */
function isStale(transaction: Transaction, owner: SessionOwner, epoch: number): boolean {
  if ('name' in owner) {
    const session = transaction.sessions.of(owner.name)
    return session !== undefined && session.epoch !== epoch
  }
  return transaction.token(owner.tokenId)?.epoch !== epoch
}

function write(transaction: Transaction, key: Buffer, will: StoredWill): void {
  transaction.put(key, encodeWill(will))
  transaction.addDue(will.dueAt, key)
}

function willAt(transaction: Transaction, key: Buffer): StoredWill | undefined {
  const bytes = transaction.get(key)
  return bytes && orDamaged(() => decodeWill(bytes))
}
