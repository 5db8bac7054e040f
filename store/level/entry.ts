/**
 * An entry of a private or broadcast log as bytes: version (1), offset (6), expiresAt (6), storedAt (6), payload length (4),
 * flags (a number), id, then properties, selector and collapse key when the flags say so, then the payload. What an entry may
 * have besides (content encoding) gets a flag and its place after the collapse key; what an older program would misread,
 * another version, as one with a collapse key has.
 */
import { decodeSelector, encodeSelector, type Selector } from '../../topics/index.ts'
import type { BroadcastEntry, LogEntry, Message } from '../contract.ts'
import { ValueReader, ValueWriter, clamp } from './bytes.ts'

const VERSION = 1
const WITH_COLLAPSE_KEY = 2

const RETAIN = 1
const PROPERTIES = 2
const SELECTOR = 4
const INDEXED = 8
/** Its id is remembered, or it asked for a receipt. */
export const FOLLOWED = 16
export const RECEIPT = 32
export const COLLAPSE = 64
export const WEB_PUSH = 128

const HEAD_BYTES = 23
const LENGTH_BYTES = 8

/** What the log needs to know of an entry that it removes. */
export interface EntryHead {
  readonly offset: number
  readonly expiresAt: number
  readonly payloadBytes: number
  /** It has a due key of its own. */
  readonly indexed: boolean
  /** Of a private or broadcast log: `FOLLOWED`, `RECEIPT`, `COLLAPSE` and `WEB_PUSH`, what must be done when it ends. */
  readonly marks: number
  /** The token id that published it, in an upstream log. */
  readonly owner: string | undefined
  /** In the log of a session: what it shares with others. */
  readonly body: Buffer | undefined
}

interface NewEntry {
  readonly offset: number
  readonly message: Message
  readonly selector?: Selector | undefined
  readonly indexed: boolean
  readonly marks: number
}

/** `isRemembered`: its id. */
export function marksOf({ receipt, collapseKey, webPush }: Message, isRemembered: boolean): number {
  return (
    (isRemembered || receipt === true ? FOLLOWED : 0) |
    (receipt === true ? RECEIPT : 0) |
    (collapseKey === undefined ? 0 : COLLAPSE) |
    (webPush === true ? WEB_PUSH : 0)
  )
}

export function encodeEntry({ offset, message, selector, indexed, marks }: NewEntry): Buffer {
  const { properties, payload, id, collapseKey = '' } = message
  const text = selector === undefined ? '' : encodeSelector(selector)
  const size =
    HEAD_BYTES + 5 * LENGTH_BYTES + (id.length + text.length + collapseKey.length) * 3 + (properties?.byteLength ?? 0)
  const out = new ValueWriter(size + payload.byteLength)
    .byte((marks & COLLAPSE) === 0 ? VERSION : WITH_COLLAPSE_KEY)
    .wide(offset)
    .wide(clamp(message.expiresAt))
    .wide(clamp(message.storedAt))
    .word(payload.byteLength)
    .number(
      (message.retain ? RETAIN : 0) |
        (properties === undefined ? 0 : PROPERTIES) |
        (selector === undefined ? 0 : SELECTOR) |
        (indexed ? INDEXED : 0) |
        marks,
    )
    .text(id)
  if (properties !== undefined) out.blob(properties)
  if (selector !== undefined) out.text(text)
  if ((marks & COLLAPSE) !== 0) out.text(collapseKey)
  return out.raw(payload).done()
}

export function readHead(bytes: Buffer): EntryHead {
  const flags = new ValueReader(bytes, HEAD_BYTES).number()
  return {
    offset: bytes.readUIntBE(1, 6),
    expiresAt: bytes.readUIntBE(7, 6),
    payloadBytes: bytes.readUInt32BE(19),
    indexed: (flags & INDEXED) !== 0,
    marks: flags & (FOLLOWED | RECEIPT | COLLAPSE | WEB_PUSH),
    owner: undefined,
    body: undefined,
  }
}

export function decodeEntry(bytes: Buffer): LogEntry {
  return decode(bytes).entry
}

export function decodeBroadcastEntry(bytes: Buffer): BroadcastEntry {
  const { entry, selector } = decode(bytes)
  if (selector === undefined) throw new RangeError('a stored broadcast has no selector')
  return { ...entry, selector: decodeSelector(selector) }
}

function decode(bytes: Buffer): { entry: LogEntry; selector: string | undefined } {
  const from = new ValueReader(bytes)
  const version = from.byte()
  if (version !== VERSION && version !== WITH_COLLAPSE_KEY)
    throw new RangeError('a stored message is of another version')
  const offset = from.wide()
  const expiresAt = from.wide()
  const storedAt = from.wide()
  const payloadBytes = from.word()
  const flags = from.number()
  const id = from.text()
  const properties = (flags & PROPERTIES) === 0 ? undefined : from.blob()
  const selector = (flags & SELECTOR) === 0 ? undefined : from.text()
  const collapseKey = (flags & COLLAPSE) === 0 ? undefined : from.text()
  const payload = from.raw(payloadBytes)
  const plain = { id, payload, retain: (flags & RETAIN) !== 0, storedAt, expiresAt, offset }
  const entry = properties === undefined ? plain : { ...plain, properties }
  return {
    entry: (flags & (FOLLOWED | COLLAPSE | WEB_PUSH)) === 0 ? entry : asked(entry, flags, collapseKey),
    selector,
  }
}

function asked(entry: LogEntry, flags: number, collapseKey: string | undefined): LogEntry {
  return {
    ...entry,
    ...(collapseKey === undefined ? {} : { collapseKey }),
    ...((flags & RECEIPT) === 0 ? {} : { receipt: true }),
    ...((flags & FOLLOWED) === 0 ? {} : { isFollowed: true }),
    ...((flags & WEB_PUSH) === 0 ? {} : { webPush: true }),
  }
}
