/**
 * How a message is stored: `flags, payload length (4), expires (6), stored (6), id length (1), id, [selector length (2),
 * selector], [properties length (4), properties], payload`. The scripts read the first eleven bytes, and nothing else.
 */
import { decodeSelector, encodeSelector, type VersionSelector } from '../../topics/index.ts'
import type { BroadcastEntry, LogEntry, Message } from '../contract.ts'

const RETAIN = 1
const PROPERTIES = 2
const SELECTOR = 4
const FIXED_BYTES = 18
/** 48 bits of milliseconds: to the year 10889. */
const LAST_TIME = 2 ** 48 - 1

/** A time as it is stored: whole milliseconds, within 48 bits. */
export const asTime = (time: number): number => Math.min(Math.max(Math.floor(time), 0), LAST_TIME)

export function encodeEntry(message: Message, selector?: VersionSelector): Buffer {
  const { properties, payload } = message
  const text = selector === undefined ? undefined : Buffer.from(encodeSelector(selector), 'utf8')
  const idBytes = Buffer.byteLength(message.id, 'utf8')
  const optional = (text === undefined ? 0 : 2 + text.length) + (properties === undefined ? 0 : 4 + properties.length)
  const entry = Buffer.allocUnsafe(FIXED_BYTES + idBytes + optional + payload.length)

  entry[0] =
    (message.retain ? RETAIN : 0) | (properties === undefined ? 0 : PROPERTIES) | (text === undefined ? 0 : SELECTOR)
  entry.writeUInt32BE(payload.length, 1)
  entry.writeUIntBE(asTime(message.expiresAt), 5, 6)
  entry.writeUIntBE(asTime(message.storedAt), 11, 6)
  entry[17] = idBytes
  let at = FIXED_BYTES + entry.write(message.id, FIXED_BYTES, 'utf8')
  if (text !== undefined) {
    at = entry.writeUInt16BE(text.length, at)
    at += text.copy(entry, at)
  }
  if (properties !== undefined) {
    at = entry.writeUInt32BE(properties.length, at)
    entry.set(properties, at)
    at += properties.length
  }
  entry.set(payload, at)
  return entry
}

export function decodeEntry(offset: number, entry: Buffer): LogEntry {
  return read(offset, entry).entry
}

export function decodeBroadcast(offset: number, bytes: Buffer): BroadcastEntry {
  const { entry, selector } = read(offset, bytes)
  if (selector === undefined) throw new TypeError('a broadcast without a selector')
  return { ...entry, selector: decodeSelector(selector) }
}

function read(offset: number, entry: Buffer): { entry: LogEntry; selector: string | undefined } {
  const flags = entry.readUInt8(0)
  const payloadLength = entry.readUInt32BE(1)
  let at = FIXED_BYTES + entry.readUInt8(17)
  const id = entry.toString('utf8', FIXED_BYTES, at)
  let selector: string | undefined
  if ((flags & SELECTOR) !== 0) {
    const end = at + 2 + entry.readUInt16BE(at)
    selector = entry.toString('utf8', at + 2, end)
    at = end
  }
  let properties: Buffer | undefined
  if ((flags & PROPERTIES) !== 0) {
    const end = at + 4 + entry.readUInt32BE(at)
    properties = entry.subarray(at + 4, end)
    at = end
  }
  return {
    entry: {
      offset,
      id,
      payload: entry.subarray(at, at + payloadLength),
      ...(properties === undefined ? {} : { properties }),
      retain: (flags & RETAIN) !== 0,
      storedAt: entry.readUIntBE(11, 6),
      expiresAt: entry.readUIntBE(5, 6),
    },
    selector,
  }
}
