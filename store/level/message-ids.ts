/** Ids of messages that are remembered: which message each is, and what ended it. */
import { PushError } from '../../errors.ts'
import { ENDS, type Message } from '../contract.ts'
import { FINGERPRINT_BYTES, fingerprintOf } from '../message.ts'
import { clamp, ValueReader, ValueWriter } from './bytes.ts'
import type { Ended } from './log.ts'

/** Of a message that an earlier version of this program stored, nothing but `offset` and `until` is known. */
export interface RememberedId {
  readonly until: number
  readonly offset: number
  readonly more: RememberedMessage | undefined
}

interface RememberedMessage {
  readonly fingerprint: Buffer
  readonly storedAt: number
  readonly expiresAt: number
  /** Absent: it is pending, or was acknowledged. */
  readonly end: Ended | undefined
  /** Nobody can have seen it before it ended. */
  readonly isUnseen: boolean
}

/** A transaction, or what is on disk. */
export interface IdSource {
  readonly now: number
  get(key: Buffer): Buffer | undefined
}

interface IdTransaction extends IdSource {
  put(key: Buffer, value: Buffer): void
  addDue(time: number, key: Buffer): void
}

const NUMBER_BYTES = 8
/** Beside the number of the end. */
const UNSEEN = 8

export function encodeId({ until, offset, more }: RememberedId): Buffer {
  const out = new ValueWriter(6 * NUMBER_BYTES).wide(clamp(until)).number(offset)
  if (more === undefined) return out.done()
  const { fingerprint, storedAt, expiresAt, end, isUnseen } = more
  const code = (end === undefined || end === 'acknowledged' ? 0 : ENDS.indexOf(end) + 1) | (isUnseen ? UNSEEN : 0)
  return out.raw(fingerprint).wide(clamp(storedAt)).wide(clamp(expiresAt)).byte(code).done()
}

export function decodeId(bytes: Buffer): RememberedId {
  const from = new ValueReader(bytes)
  const until = from.wide()
  const offset = from.number()
  if (from.isAtEnd) return { until, offset, more: undefined }
  const fingerprint = from.raw(FINGERPRINT_BYTES)
  const storedAt = from.wide()
  const expiresAt = from.wide()
  const code = from.byte()
  const [end, isUnseen] = [ENDS[(code & (UNSEEN - 1)) - 1], (code & UNSEEN) !== 0]
  return { until, offset, more: { fingerprint, storedAt, expiresAt, end, isUnseen } }
}

/** While it is remembered. */
export function knownId(source: IdSource, idKey: Buffer): RememberedId | undefined {
  const bytes = source.get(idKey)
  if (bytes === undefined) return undefined
  const known = decodeId(bytes)
  return known.until > source.now ? known : undefined
}

/** A message with an id of its own. */
interface Identified {
  readonly message: Message
  readonly selector?: string
  readonly fingerprint?: Uint8Array | undefined
}

function printOf({ message, selector, fingerprint }: Identified): Uint8Array {
  return fingerprint ?? fingerprintOf(message, selector)
}

/** What is known of the message that was stored first with this id, if it is remembered. @throws ID_REUSED where that is another one */
export function duplicateOf(source: IdSource, idKey: Buffer, identified: Identified): RememberedId | undefined {
  const known = knownId(source, idKey)
  if (known?.more?.fingerprint.equals(printOf(identified)) === false) throw new PushError('ID_REUSED')
  return known
}

export function rememberId(
  transaction: IdTransaction,
  idKey: Buffer,
  offset: number,
  identified: Identified,
  forMs: number,
): void {
  const { storedAt, expiresAt } = identified.message
  const until = clamp(Math.max(transaction.now + forMs, expiresAt))
  const fingerprint = Buffer.from(printOf(identified))
  const more = { fingerprint, storedAt, expiresAt, end: undefined, isUnseen: false }
  transaction.put(idKey, encodeId({ until, offset, more }))
  transaction.addDue(until, idKey)
}

/** Records what ended the message at this offset, unless the id is forgotten or stands for another message by now. */
export function rememberEnd(
  transaction: IdTransaction,
  idKey: Buffer,
  offset: number,
  { end, isUnseen }: Pick<RememberedMessage, 'end' | 'isUnseen'>,
): void {
  const bytes = transaction.get(idKey)
  const known = bytes && decodeId(bytes)
  if (known?.more === undefined || known.offset !== offset) return
  transaction.put(idKey, encodeId({ ...known, more: { ...known.more, end, isUnseen } }))
}
