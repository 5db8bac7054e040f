/**
 * An entry of a private or broadcast log as bytes: version (1), offset (6), expiresAt (6), storedAt (6), payload length (4),
 * flags (a number), id, then properties and selector when the flags say so, then the payload. What an entry may have besides
 * (collapse key, receipt, content encoding, fingerprint) gets a flag and its place after the selector; what an older
 * program would misread, another version.
 */
import { decodeSelector, encodeSelector, type Selector } from '../../topics/index.ts'
import type { BroadcastEntry, LogEntry, Message } from '../contract.ts'
import { ValueReader, ValueWriter, clamp } from './bytes.ts'

const VERSION = 1

const RETAIN = 1
const PROPERTIES = 2
const SELECTOR = 4
const INDEXED = 8

const HEAD_BYTES = 23
const LENGTH_BYTES = 8

/** What the log needs to know of an entry that it removes. */
export interface EntryHead {
  readonly offset: number
  readonly expiresAt: number
  readonly payloadBytes: number
  /** It has a due key of its own. */
  readonly indexed: boolean
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
}

export function encodeEntry({ offset, message, selector, indexed }: NewEntry): Buffer {
  const { properties, payload, id } = message
  const text = selector === undefined ? '' : encodeSelector(selector)
  const size = HEAD_BYTES + 4 * LENGTH_BYTES + (id.length + text.length) * 3 + (properties?.byteLength ?? 0)
  const out = new ValueWriter(size + payload.byteLength)
    .byte(VERSION)
    .wide(offset)
    .wide(clamp(message.expiresAt))
    .wide(clamp(message.storedAt))
    .word(payload.byteLength)
    .number(
      (message.retain ? RETAIN : 0) |
        (properties === undefined ? 0 : PROPERTIES) |
        (selector === undefined ? 0 : SELECTOR) |
        (indexed ? INDEXED : 0),
    )
    .text(id)
  if (properties !== undefined) out.blob(properties)
  if (selector !== undefined) out.text(text)
  return out.raw(payload).done()
}

export function readHead(bytes: Buffer): EntryHead {
  return {
    offset: bytes.readUIntBE(1, 6),
    expiresAt: bytes.readUIntBE(7, 6),
    payloadBytes: bytes.readUInt32BE(19),
    indexed: (new ValueReader(bytes, HEAD_BYTES).number() & INDEXED) !== 0,
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
  if (from.byte() !== VERSION) throw new RangeError('a stored message is of another version')
  const offset = from.wide()
  const expiresAt = from.wide()
  const storedAt = from.wide()
  const payloadBytes = from.word()
  const flags = from.number()
  const id = from.text()
  const properties = (flags & PROPERTIES) === 0 ? undefined : from.blob()
  const selector = (flags & SELECTOR) === 0 ? undefined : from.text()
  const payload = from.raw(payloadBytes)
  const message = { id, payload, retain: (flags & RETAIN) !== 0, storedAt, expiresAt, offset }
  return { entry: properties === undefined ? message : { ...message, properties }, selector }
}
