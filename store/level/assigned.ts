/** The session that a message of a group's log is assigned to. */
import type { TokenId } from '../contract.ts'
import { groupLog } from '../contract.ts'
import { ValueReader, ValueWriter } from './bytes.ts'
import { orDamaged } from './database.ts'
import { assignedKey, dueKey } from './keys.ts'
import type { Transaction } from './transaction.ts'

type AssignTransaction = Pick<Transaction, 'now' | 'get' | 'put' | 'delete' | 'addDue'>

interface Assigned {
  readonly until: number
  readonly name: string
}

const VERSION = 1
const FIXED_BYTES = 16
const KEPT_MS = 24 * 60 * 60 * 1000

/** Returns the name that was told first. */
export function assignShared(transaction: AssignTransaction, log: string, offset: number, name: string): string {
  const key = assignedKey(log, offset)
  const known = assignedAt(transaction, key)
  if (known !== undefined && known.until > transaction.now) return known.name
  forgetAt(transaction, key)
  const until = transaction.now + KEPT_MS
  transaction.put(key, encode({ until, name }))
  transaction.addDue(until, key)
  return name
}

export function forgetAssigned(transaction: AssignTransaction, group: TokenId, offset: number): void {
  forgetAt(transaction, assignedKey(groupLog(group), offset))
}

/** It may have been assigned again since it was due. */
export function sweepAssigned(transaction: AssignTransaction, key: Buffer, now: number): void {
  const known = assignedAt(transaction, key)
  if (known !== undefined && known.until <= now) transaction.delete(key)
}

function forgetAt(transaction: AssignTransaction, key: Buffer): void {
  const known = assignedAt(transaction, key)
  if (known === undefined) return
  transaction.delete(dueKey(known.until, key))
  transaction.delete(key)
}

function assignedAt(transaction: AssignTransaction, key: Buffer): Assigned | undefined {
  const bytes = transaction.get(key)
  return bytes && orDamaged(() => decode(bytes))
}

function encode({ until, name }: Assigned): Buffer {
  return new ValueWriter(FIXED_BYTES + Buffer.byteLength(name)).byte(VERSION).wide(until).text(name).done()
}

function decode(bytes: Buffer): Assigned {
  const from = new ValueReader(bytes)
  if (from.byte() !== VERSION) throw new RangeError('who has a message of a group is stored in another version')
  return { until: from.wide(), name: from.text() }
}
