/**
 * How an upstream message is stored: `flags, payload length (4), leaves (6), stored (6), format, token id (16), subject
 * length (2), subject, id length (1), id, { field, length (4), value } ..., payload`. The first eleven bytes are those of
 * every entry (`entry.ts`); the scripts read them and the token id.
 *
 * It leaves the log at the latest after 7 days. When it expires after that, the time is a field of its own, for what is
 * retained. Fields that a version does not know are passed over, so that the next ones (collapse key, receipt flag, content
 * encoding, fingerprint, outcome) need no other format.
 */
import { LONGEST_KEPT_MS, type Message, type UpstreamEntry } from '../contract.ts'
import { asTime } from './entry.ts'

const FORMAT = 1
const RETAIN = 1
const PROPERTIES_FIELD = 1
const EXPIRES_FIELD = 2
const TOKEN_BYTES = 16
/** Up to the length of the subject. */
const FIXED_BYTES = 18 + TOKEN_BYTES
const FIELD_BYTES = 5
const TIME_BYTES = 6

export function encodeUpstream(tokenId: Buffer, subject: string, message: Message): Buffer {
  const { id, payload, properties, retain, storedAt } = message
  const expires = asTime(message.expiresAt)
  const leaves = Math.min(expires, asTime(storedAt + LONGEST_KEPT_MS))
  const subjectBytes = Buffer.byteLength(subject, 'utf8')
  const idBytes = Buffer.byteLength(id, 'utf8')
  const fields =
    (properties === undefined ? 0 : FIELD_BYTES + properties.length) +
    (leaves === expires ? 0 : FIELD_BYTES + TIME_BYTES)
  const entry = Buffer.allocUnsafe(FIXED_BYTES + 3 + subjectBytes + idBytes + fields + payload.length)
  entry[0] = retain ? RETAIN : 0
  entry.writeUInt32BE(payload.length, 1)
  entry.writeUIntBE(leaves, 5, TIME_BYTES)
  entry.writeUIntBE(asTime(storedAt), 11, TIME_BYTES)
  entry[17] = FORMAT
  tokenId.copy(entry, 18)
  let at = entry.writeUInt16BE(subjectBytes, FIXED_BYTES)
  at += entry.write(subject, at, 'utf8')
  at = entry.writeUInt8(idBytes, at)
  at += entry.write(id, at, 'utf8')
  if (properties !== undefined) {
    at = writeField(entry, at, PROPERTIES_FIELD, properties.length)
    entry.set(properties, at)
    at += properties.length
  }
  if (leaves !== expires) {
    at = writeField(entry, at, EXPIRES_FIELD, TIME_BYTES)
    at = entry.writeUIntBE(expires, at, TIME_BYTES)
  }
  entry.set(payload, at)
  return entry
}

function writeField(entry: Buffer, at: number, field: number, length: number): number {
  return entry.writeUInt32BE(length, entry.writeUInt8(field, at))
}

export function decodeUpstream(offset: number, entry: Buffer): UpstreamEntry {
  const format = entry.readUInt8(17)
  if (format !== FORMAT) throw new TypeError(`an upstream message of format ${format}`)
  const payloadAt = entry.length - entry.readUInt32BE(1)
  const subjectAt = FIXED_BYTES + 2
  const subjectEnd = subjectAt + entry.readUInt16BE(FIXED_BYTES)
  const idEnd = subjectEnd + 1 + entry.readUInt8(subjectEnd)
  let properties: Buffer | undefined
  let expiresAt = entry.readUIntBE(5, TIME_BYTES)
  for (let at = idEnd; at < payloadAt; ) {
    const valueAt = at + FIELD_BYTES
    const end = valueAt + entry.readUInt32BE(at + 1)
    if (entry[at] === PROPERTIES_FIELD) properties = entry.subarray(valueAt, end)
    if (entry[at] === EXPIRES_FIELD) expiresAt = entry.readUIntBE(valueAt, TIME_BYTES)
    at = end
  }
  return {
    offset,
    tokenId: entry.toString('base64url', 18, FIXED_BYTES),
    subject: entry.toString('utf8', subjectAt, subjectEnd),
    id: entry.toString('utf8', subjectEnd + 1, idEnd),
    payload: entry.subarray(payloadAt),
    ...(properties === undefined ? {} : { properties }),
    retain: ((entry[0] ?? 0) & RETAIN) !== 0,
    storedAt: entry.readUIntBE(11, TIME_BYTES),
    expiresAt,
  }
}
