/**
 * An entry of the log of a session as bytes: version (1), offset (6), expiresAt (6), storedAt (6), payload length (4), flags
 * (a number), the id of its body when the flags say that several logs share it, topic, message id, subscription
 * identifiers, then its own body otherwise: properties when the flags say so, then the payload. What an entry may have
 * besides gets a flag and its place before its own body; what an older program would misread, another version.
 */
import type { Message, SessionEntry } from '../contract.ts'
import { clamp, MOST, ValueReader, ValueWriter } from './bytes.ts'
import type { EntryHead } from './entry.ts'
import { versioned } from './named-records.ts'

const VERSION = 1

const RETAIN = 1
const PROPERTIES = 2
const INDEXED = 4
const QOS_2 = 8
const RELEASED = 16
const SHARED = 32
const QOS_0 = 64

const HEAD_BYTES = 23
const LENGTH_BYTES = 8
/** Number of the log and offset. */
const BODY_ID_BYTES = 12

/** What one session gets, and not the others. */
export interface SessionCopy {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly identifiers: readonly number[]
}

interface NewSessionEntry {
  readonly offset: number
  readonly topic: string
  readonly message: Message
  readonly copy: SessionCopy
  /** Absent: the entry has its own. */
  readonly body: Buffer | undefined
  readonly indexed: boolean
}

/** Payload and properties. */
export function bodyBytes({ payload, properties }: Message): number {
  return payload.byteLength + (properties?.byteLength ?? 0)
}

export function bodyId(log: number, offset: number): Buffer {
  return new ValueWriter(BODY_ID_BYTES).wide(log).wide(offset).done()
}

export function encodeSessionEntry({ offset, topic, message, copy, body, indexed }: NewSessionEntry): Buffer {
  const { identifiers } = copy
  const texts = (topic.length + message.id.length) * 3
  const size = HEAD_BYTES + (6 + identifiers.length) * LENGTH_BYTES + texts + (body?.length ?? bodyBytes(message))
  const flags =
    (copy.retain ? RETAIN : 0) |
    (message.properties === undefined ? 0 : PROPERTIES) |
    (indexed ? INDEXED : 0) |
    (copy.qos === 2 ? QOS_2 : copy.qos === 0 ? QOS_0 : 0) |
    (body === undefined ? 0 : SHARED)
  const out = new ValueWriter(size)
    .byte(VERSION)
    .wide(offset)
    .wide(clamp(message.expiresAt))
    .wide(clamp(message.storedAt))
    .word(message.payload.byteLength)
    .number(flags)
  if (body !== undefined) out.raw(body)
  out.text(topic).text(message.id).number(identifiers.length)
  for (const identifier of identifiers) out.number(identifier)
  if (body === undefined) writeBody(out, message)
  return out.done()
}

/** Of several logs. */
export function encodeBody(message: Message): Buffer {
  return writeBody(new ValueWriter(1 + LENGTH_BYTES + bodyBytes(message)).byte(VERSION), message).done()
}

function writeBody(out: ValueWriter, { properties, payload }: Message): ValueWriter {
  if (properties !== undefined) out.blob(properties)
  return out.raw(payload)
}

/** `shared` gives a body by its id. Undefined: it is gone, and so is the entry. */
export function decodeSessionEntry(
  bytes: Buffer,
  shared: (id: Buffer) => Buffer | undefined,
): SessionEntry | undefined {
  const from = versioned(bytes)
  const offset = from.wide()
  const expiresAt = from.wide()
  const storedAt = from.wide()
  const payloadBytes = from.word()
  const flags = from.number()
  const body = (flags & SHARED) === 0 ? undefined : shared(from.raw(BODY_ID_BYTES))
  if (body === undefined && (flags & SHARED) !== 0) return undefined
  const topic = from.text()
  const id = from.text()
  const identifiers = Array.from({ length: from.number() }, () => from.number())
  const rest = body === undefined ? from : versioned(body)
  const properties = (flags & PROPERTIES) === 0 ? undefined : rest.blob()
  const payload = rest.raw(payloadBytes)
  const entry: SessionEntry = {
    id,
    payload,
    retain: (flags & RETAIN) !== 0,
    storedAt,
    expiresAt,
    offset,
    topic,
    qos: (flags & QOS_2) !== 0 ? 2 : (flags & QOS_0) !== 0 ? 0 : 1,
    identifiers,
    released: (flags & RELEASED) !== 0,
  }
  return properties === undefined ? entry : { ...entry, properties }
}

export function sessionHeadOf(bytes: Buffer): EntryHead {
  const from = new ValueReader(bytes, HEAD_BYTES)
  const flags = from.number()
  return {
    offset: bytes.readUIntBE(1, 6),
    expiresAt: bytes.readUIntBE(7, 6),
    payloadBytes: bytes.readUInt32BE(19),
    indexed: (flags & INDEXED) !== 0,
    marks: 0,
    owner: undefined,
    body: (flags & SHARED) === 0 ? undefined : from.raw(BODY_ID_BYTES),
  }
}

/** The entry after a PUBREC: it does not expire, because PUBREL is owed. All flags fit into one byte. */
export function asReleased(bytes: Buffer): Buffer {
  const released = Buffer.from(bytes)
  released.writeUIntBE(MOST, 7, 6)
  released.writeUInt8(released.readUInt8(HEAD_BYTES) | RELEASED, HEAD_BYTES)
  return released
}
