/**
 * A message as one node tells it to others: version (1), flags (1), QoS (1), storedAt and expiresAt (8 each), topic, id and
 * `from` as MQTT writes text, properties after their length (4), then the payload. Flags: RETAIN (1), properties (2). What it
 * may have besides gets a flag and its place after the properties; what an older program would misread, another version.
 */
import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import type { GeneralMessage } from '../session/general.ts'

const VERSION = 1
const RETAIN = 1
const PROPERTIES = 2
const TIMES_AT = 3
const TIMES_END = TIMES_AT + 16

export function encodeForNodes(message: GeneralMessage): Buffer {
  const { topic, id, from, qos, retain, properties, payload, storedAt, expiresAt } = message
  const times = Buffer.allocUnsafe(TIMES_END - TIMES_AT)
  times.writeDoubleBE(expiresAt, times.writeDoubleBE(storedAt))
  const writer = new ByteWriter()
  writer.byte(VERSION)
  writer.byte((retain ? RETAIN : 0) | (properties === undefined ? 0 : PROPERTIES))
  writer.byte(qos)
  writer.raw(times)
  writer.text(topic)
  writer.text(id)
  writer.text(from)
  if (properties !== undefined) {
    writer.fourByteInteger(properties.byteLength)
    writer.raw(properties)
  }
  writer.raw(payload)
  return writer.finish()
}

/** Undefined: written by another version, or damaged. It is a lost hint, nothing more. */
export function decodeFromNode(told: Uint8Array): GeneralMessage | undefined {
  const bytes = Buffer.from(told.buffer, told.byteOffset, told.byteLength)
  if (bytes.byteLength < TIMES_END || bytes[0] !== VERSION) return undefined
  const [, flags = 0, qos] = bytes
  if (qos !== 0 && qos !== 1 && qos !== 2) return undefined
  const reader = new ByteReader()
  reader.bytes = bytes
  reader.position = TIMES_END
  reader.end = bytes.byteLength
  try {
    const message = {
      storedAt: bytes.readDoubleBE(TIMES_AT),
      expiresAt: bytes.readDoubleBE(TIMES_AT + 8),
      qos,
      retain: (flags & RETAIN) !== 0,
      topic: reader.text('topic'),
      id: reader.text('id'),
      from: reader.text('publisher'),
    } as const
    const properties = (flags & PROPERTIES) === 0 ? undefined : take(reader, reader.fourByteInteger())
    const payload = take(reader, reader.remaining())
    return properties === undefined ? { ...message, payload } : { ...message, payload, properties }
  } catch {
    return undefined
  }
}

function take(reader: ByteReader, length: number): Buffer {
  if (length > reader.remaining()) throw new RangeError('a message between nodes ends early')
  const start = reader.position
  reader.position += length
  return reader.bytes.subarray(start, reader.position)
}
