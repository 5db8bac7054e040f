/** The uids of the messages that a log has stored. */
import { orDamaged } from './database.ts'
import { dueKey } from './keys.ts'
import { decodeNumber, encodeNumber } from './named-records.ts'
import type { Transaction } from './transaction.ts'

/** How long a uid is remembered, ms. */
const UID_MS = 24 * 60 * 60 * 1000

type UidTransaction = Pick<Transaction, 'now' | 'get' | 'put' | 'delete' | 'addDue'>

export function isKnownUid(transaction: UidTransaction, key: Buffer): boolean {
  const until = untilOf(transaction, key)
  return until !== undefined && until > transaction.now
}

export function rememberUid(transaction: UidTransaction, key: Buffer): void {
  forgetUidAt(transaction, key)
  const until = transaction.now + UID_MS
  transaction.put(key, encodeNumber(until))
  transaction.addDue(until, key)
}

export function forgetUidAt(transaction: UidTransaction, key: Buffer): void {
  const until = untilOf(transaction, key)
  if (until === undefined) return
  transaction.delete(dueKey(until, key))
  transaction.delete(key)
}

/** It may have been remembered again since it was due. */
export function sweepUid(transaction: UidTransaction, key: Buffer, now: number): void {
  const until = untilOf(transaction, key)
  if (until !== undefined && until <= now) transaction.delete(key)
}

function untilOf(transaction: UidTransaction, key: Buffer): number | undefined {
  const bytes = transaction.get(key)
  return bytes && orDamaged(() => decodeNumber(bytes))
}
