/**
 * An entry of an upstream log as bytes: version (1), offset (6), expiresAt (6), storedAt (6), payload length (4), flags (a
 * number), token id, message id, subject, then properties when the flags say so, then the payload. What an entry may have
 * besides gets a flag and its place after the properties; what an older program would misread, another version.
 */
import type { Message, UpstreamEntry } from '../contract.ts'
import { clamp, ValueReader, ValueWriter } from './bytes.ts'
import type { EntryHead } from './entry.ts'

const VERSION = 1

const RETAIN = 1
const PROPERTIES = 2
const INDEXED = 4

const HEAD_BYTES = 23
const LENGTH_BYTES = 8

interface NewUpstreamEntry {
  readonly offset: number
  readonly message: Message
  /** In the log, where it may end before the message. */
  readonly expiresAt: number
  readonly tokenId: string
  readonly subject: string
  readonly indexed: boolean
}

export function encodeUpstreamEntry(entry: NewUpstreamEntry): Buffer {
  const { offset, message, expiresAt, tokenId, subject, indexed } = entry
  const { id, properties, payload } = message
  const texts = (tokenId.length + id.length + subject.length) * 3
  const size = HEAD_BYTES + 5 * LENGTH_BYTES + texts + (properties?.byteLength ?? 0) + payload.byteLength
  const out = new ValueWriter(size)
    .byte(VERSION)
    .wide(offset)
    .wide(clamp(expiresAt))
    .wide(clamp(message.storedAt))
    .word(payload.byteLength)
    .number((message.retain ? RETAIN : 0) | (properties === undefined ? 0 : PROPERTIES) | (indexed ? INDEXED : 0))
    .text(tokenId)
    .text(id)
    .text(subject)
  if (properties !== undefined) out.blob(properties)
  return out.raw(payload).done()
}

export function decodeUpstreamEntry(bytes: Buffer): UpstreamEntry {
  const from = new ValueReader(bytes)
  if (from.byte() !== VERSION) throw new RangeError('a stored upstream message is of another version')
  const offset = from.wide()
  const expiresAt = from.wide()
  const storedAt = from.wide()
  const payloadBytes = from.word()
  const flags = from.number()
  const tokenId = from.text()
  const id = from.text()
  const subject = from.text()
  const properties = (flags & PROPERTIES) === 0 ? undefined : from.blob()
  const payload = from.raw(payloadBytes)
  const entry = { id, payload, retain: (flags & RETAIN) !== 0, storedAt, expiresAt, offset, tokenId, subject }
  return properties === undefined ? entry : { ...entry, properties }
}

export function upstreamHeadOf(bytes: Buffer): EntryHead {
  const from = new ValueReader(bytes, HEAD_BYTES)
  const flags = from.number()
  return {
    offset: bytes.readUIntBE(1, 6),
    expiresAt: bytes.readUIntBE(7, 6),
    payloadBytes: bytes.readUInt32BE(19),
    indexed: (flags & INDEXED) !== 0,
    marks: 0,
    owner: from.text(),
    body: undefined,
  }
}
