/**
 * How a message is stored in the log of a session: a head of its own, and a body that logs may share (lua/session_logs.lua).
 *
 * Head: `flags, payload length (4), leaves (6), format, expires (6), number of identifiers (2), identifiers (4 each)`. The
 * first eleven bytes are those of every entry (`entry.ts`); what is released leaves at no time.
 * Body: `stored (6), topic length (2), topic, id length (1), id, { field, length (4), value } ..., payload`. Fields that a
 * version does not know are passed over.
 */
import type { Message, SessionDelivery, SessionEntry } from '../contract.ts'
import { asTime } from './entry.ts'

const FORMAT = 1
const RETAIN = 1
const QOS_2 = 2
const RELEASED = 4
/** 8 says that logs share its body (lua/session_logs.lua). */
const QOS_0 = 16
const PROPERTIES_FIELD = 1
const HEAD_BYTES = 20
const IDENTIFIER_BYTES = 4
const FIELD_BYTES = 5
const TIME_BYTES = 6

export function encodeHead({ payload, expiresAt }: Message, { qos, retain, identifiers }: SessionDelivery): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES + identifiers.length * IDENTIFIER_BYTES)
  head[0] = (retain ? RETAIN : 0) | (qos === 2 ? QOS_2 : qos === 0 ? QOS_0 : 0)
  head.writeUInt32BE(payload.length, 1)
  head.writeUIntBE(asTime(expiresAt), 5, TIME_BYTES)
  head[11] = FORMAT
  head.writeUIntBE(asTime(expiresAt), 12, TIME_BYTES)
  let at = head.writeUInt16BE(identifiers.length, 18)
  for (const identifier of identifiers) at = head.writeUInt32BE(identifier, at)
  return head
}

export function encodeBody(topic: string, { id, payload, properties, storedAt }: Message): Buffer {
  const topicBytes = Buffer.byteLength(topic, 'utf8')
  const idBytes = Buffer.byteLength(id, 'utf8')
  const fields = properties === undefined ? 0 : FIELD_BYTES + properties.length
  const body = Buffer.allocUnsafe(TIME_BYTES + 3 + topicBytes + idBytes + fields + payload.length)
  let at = body.writeUIntBE(asTime(storedAt), 0, TIME_BYTES)
  at = body.writeUInt16BE(topicBytes, at)
  at += body.write(topic, at, 'utf8')
  at = body.writeUInt8(idBytes, at)
  at += body.write(id, at, 'utf8')
  if (properties !== undefined) {
    at = body.writeUInt32BE(properties.length, body.writeUInt8(PROPERTIES_FIELD, at))
    body.set(properties, at)
    at += properties.length
  }
  body.set(payload, at)
  return body
}

export function decodeSessionEntry(offset: number, entry: Buffer): SessionEntry {
  const format = entry.readUInt8(11)
  if (format !== FORMAT) throw new TypeError(`a message of a session has format ${format}`)
  const flags = entry.readUInt8(0)
  const payloadAt = entry.length - entry.readUInt32BE(1)
  const identifiers = Array.from({ length: entry.readUInt16BE(18) }, (_, each) =>
    entry.readUInt32BE(HEAD_BYTES + each * IDENTIFIER_BYTES),
  )
  const bodyAt = HEAD_BYTES + identifiers.length * IDENTIFIER_BYTES
  const topicAt = bodyAt + TIME_BYTES + 2
  const topicEnd = topicAt + entry.readUInt16BE(topicAt - 2)
  const idEnd = topicEnd + 1 + entry.readUInt8(topicEnd)
  let properties: Buffer | undefined
  for (let at = idEnd; at < payloadAt; ) {
    const end = at + FIELD_BYTES + entry.readUInt32BE(at + 1)
    if (entry[at] === PROPERTIES_FIELD) properties = entry.subarray(at + FIELD_BYTES, end)
    at = end
  }
  return {
    offset,
    topic: entry.toString('utf8', topicAt, topicEnd),
    qos: (flags & QOS_2) !== 0 ? 2 : (flags & QOS_0) !== 0 ? 0 : 1,
    retain: (flags & RETAIN) !== 0,
    identifiers,
    released: (flags & RELEASED) !== 0,
    id: entry.toString('utf8', topicEnd + 1, idEnd),
    payload: entry.subarray(payloadAt),
    ...(properties === undefined ? {} : { properties }),
    storedAt: entry.readUIntBE(bodyAt, TIME_BYTES),
    expiresAt: entry.readUIntBE(12, TIME_BYTES),
  }
}
