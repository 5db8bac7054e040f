/**
 * Which token ids belong to an account. A row has all of them: version (1), the time of its due key, and for each its
 * stamp, its epochs and when it ends. An account has few as a rule, and they are read together.
 */
import type { AccountDevice, DeviceNote, TokenId } from '../contract.ts'
import { laterEpochs } from '../details.ts'
import { clamp, ValueWriter } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import { accountKey, dueKey, metaKey } from './keys.ts'
import { decodeNumber, encodeNumber, versioned } from './named-records.ts'
import type { Transaction } from './transaction.ts'

const VERSION = 1
const NUMBER_BYTES = 8
/** The last stamp that was given to any of them. */
const STAMP_KEY = metaKey('account stamp')

export interface NotedDevice extends AccountDevice {
  readonly endsAt: number
}

export interface AccountRow {
  /** A sweep looks at it then; no token id ends before. */
  readonly dueAt: number
  readonly devices: readonly NotedDevice[]
}

const NOBODY: AccountRow = { dueAt: 0, devices: [] }

/** False: it is full. `holdMs`: how long an account keeps a device. */
export function noteDevice(transaction: Transaction, note: DeviceNote, holdMs: number): boolean {
  const { accountMark, tokenId, epochs, most } = note
  const key = accountKey(accountMark)
  const row = rowOf(transaction.get(key))
  const there = row.devices.filter(({ endsAt }) => endsAt > transaction.now)
  const known = there.find((device) => device.tokenId === tokenId)
  const others = there.filter((device) => device !== known)
  if (known === undefined && others.length >= most) return false
  const noted = {
    tokenId,
    stamp: nextStamp(transaction),
    epochs: known === undefined ? epochs : laterEpochs(known.epochs, epochs),
    endsAt: Math.max(known?.endsAt ?? 0, clamp(note.expiresAt + holdMs)),
  }
  write(transaction, key, row, [...others, noted])
  return true
}

export function forgetDevices(
  transaction: Transaction,
  accountMark: string,
  gone: readonly Pick<AccountDevice, 'tokenId' | 'stamp'>[],
): void {
  const key = accountKey(accountMark)
  const row = rowOf(transaction.get(key))
  const stamps = new Map<TokenId, number>(gone.map(({ tokenId, stamp }) => [tokenId, stamp]))
  const left = row.devices.filter(({ tokenId, stamp }) => stamps.get(tokenId) !== stamp)
  if (left.length < row.devices.length) write(transaction, key, row, left)
}

export function accountDevices(database: Database, accountMark: string, now: number): readonly AccountDevice[] {
  const { devices } = rowOf(database.get(accountKey(accountMark)))
  const there = devices.filter(({ endsAt }) => endsAt > now)
  return there.map(({ tokenId, stamp, epochs }) => ({ tokenId, stamp, epochs }))
}

/** `time`: of the due key, which is gone. */
export function sweepAccount(transaction: Transaction, key: Buffer, time: number): void {
  const row = rowOf(transaction.get(key))
  if (row.dueAt !== time) return
  const there = row.devices.filter(({ endsAt }) => endsAt > transaction.now)
  write(transaction, key, { ...row, dueAt: 0 }, there)
}

/** The due key is moved to an earlier time only: a sweep finds the later one. */
function write(transaction: Transaction, key: Buffer, before: AccountRow, devices: readonly NotedDevice[]): void {
  const next = Math.min(...devices.map(({ endsAt }) => endsAt))
  const isEarlier = before.dueAt === 0 || next < before.dueAt
  if (before.dueAt > 0 && (isEarlier || devices.length === 0)) transaction.delete(dueKey(before.dueAt, key))
  if (devices.length === 0) return transaction.delete(key)
  const dueAt = isEarlier ? next : before.dueAt
  if (isEarlier) transaction.addDue(dueAt, key)
  transaction.put(key, encodeAccount({ dueAt, devices }))
}

/** Common to all accounts, so that no stamp repeats when an account was empty in between. */
function nextStamp(transaction: Transaction): number {
  const bytes = transaction.get(STAMP_KEY)
  const stamp = (bytes === undefined ? 0 : orDamaged(() => decodeNumber(bytes))) + 1
  transaction.put(STAMP_KEY, encodeNumber(stamp))
  return stamp
}

// Values

function rowOf(bytes: Buffer | undefined): AccountRow {
  return bytes === undefined ? NOBODY : orDamaged(() => decodeAccount(bytes))
}

export function encodeAccount({ dueAt, devices }: AccountRow): Buffer {
  const texts = devices.reduce((sum, { tokenId }) => sum + Buffer.byteLength(tokenId), 0)
  const out = new ValueWriter(1 + (2 + 6 * devices.length) * NUMBER_BYTES + texts)
  out.byte(VERSION).wide(dueAt).number(devices.length)
  for (const { tokenId, stamp, epochs, endsAt } of devices)
    out.text(tokenId).number(stamp).number(epochs[0]).number(epochs[1]).wide(endsAt)
  return out.done()
}

export function decodeAccount(bytes: Buffer): AccountRow {
  const from = versioned(bytes)
  const dueAt = from.wide()
  const devices = Array.from({ length: from.number() }, () => ({
    tokenId: from.text(),
    stamp: from.number(),
    epochs: [from.number(), from.number()] as const,
    endsAt: from.wide(),
  }))
  return { dueAt, devices }
}
