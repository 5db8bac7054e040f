/**
 * How a message of a private or broadcast log is stored: `flags, payload length (4), expires (6), stored (6), format, id length (1), id, { field,
 * length (4), value } ..., payload`. The scripts read what has a fixed place and the id, and of what has ended or collapses
 * also the fields (`lua/outcome.lua`). Fields that a version does not know are passed over, so that the next ones need no other
 * format.
 */
import { decodeSelector, encodeSelector, type Selector } from '../../topics/index.ts'
import type { BroadcastEntry, LogEntry, Message } from '../contract.ts'

const FORMAT = 1
const RETAIN = 1
/** Its id is remembered, or it has a receipt. */
const FOLLOWED = 2
const RECEIPT = 4
const COLLAPSE = 8
/** It came through a Web Push endpoint. */
const WEB_PUSH = 16
const PROPERTIES_FIELD = 1
const SELECTOR_FIELD = 2
const COLLAPSE_FIELD = 3
const FIELD_BYTES = 5
/** Up to the id. */
const FIXED_BYTES = 19
/** 48 bits of milliseconds: to the year 10889. */
const LAST_TIME = 2 ** 48 - 1

/** A time as it is stored: whole milliseconds, within 48 bits. */
export const asTime = (time: number): number => Math.min(Math.max(Math.floor(time), 0), LAST_TIME)

/** `isFollowed`: its id is remembered. */
export function encodeEntry(message: Message, isFollowed = false, selector?: Selector): Buffer {
  const { properties, payload, collapseKey } = message
  const text = selector === undefined ? undefined : Buffer.from(encodeSelector(selector), 'utf8')
  const key = collapseKey === undefined ? undefined : Buffer.from(collapseKey, 'utf8')
  const idBytes = Buffer.byteLength(message.id, 'utf8')
  const fields = fieldBytes(text) + fieldBytes(key) + fieldBytes(properties)
  const entry = Buffer.allocUnsafe(FIXED_BYTES + idBytes + fields + payload.length)

  entry[0] = flagsOf(message, isFollowed)
  entry.writeUInt32BE(payload.length, 1)
  entry.writeUIntBE(asTime(message.expiresAt), 5, 6)
  entry.writeUIntBE(asTime(message.storedAt), 11, 6)
  entry[17] = FORMAT
  entry[18] = idBytes
  let at = FIXED_BYTES + entry.write(message.id, FIXED_BYTES, 'utf8')
  if (text !== undefined) at = writeField(entry, at, SELECTOR_FIELD, text)
  if (key !== undefined) at = writeField(entry, at, COLLAPSE_FIELD, key)
  if (properties !== undefined) at = writeField(entry, at, PROPERTIES_FIELD, properties)
  entry.set(payload, at)
  return entry
}

function flagsOf({ retain, receipt, collapseKey, webPush }: Message, isFollowed: boolean): number {
  const followed = receipt === true ? RECEIPT | FOLLOWED : isFollowed ? FOLLOWED : 0
  const asked = (collapseKey === undefined ? 0 : COLLAPSE) | (webPush === true ? WEB_PUSH : 0)
  return (retain ? RETAIN : 0) | followed | asked
}

function fieldBytes(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : FIELD_BYTES + value.length
}

function writeField(entry: Buffer, start: number, field: number, value: Uint8Array): number {
  const at = entry.writeUInt32BE(value.length, entry.writeUInt8(field, start))
  entry.set(value, at)
  return at + value.length
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
  const format = entry.readUInt8(17)
  if (format !== FORMAT) throw new TypeError(`a message of format ${format}`)
  const payloadAt = entry.length - entry.readUInt32BE(1)
  const idEnd = FIXED_BYTES + entry.readUInt8(18)
  let selector: string | undefined
  let collapseKey: string | undefined
  let properties: Buffer | undefined
  for (let at = idEnd; at < payloadAt; ) {
    const valueAt = at + FIELD_BYTES
    const end = valueAt + entry.readUInt32BE(at + 1)
    if (entry[at] === PROPERTIES_FIELD) properties = entry.subarray(valueAt, end)
    if (entry[at] === SELECTOR_FIELD) selector = entry.toString('utf8', valueAt, end)
    if (entry[at] === COLLAPSE_FIELD) collapseKey = entry.toString('utf8', valueAt, end)
    at = end
  }
  const flags = entry.readUInt8(0)
  return {
    entry: {
      offset,
      id: entry.toString('utf8', FIXED_BYTES, idEnd),
      payload: entry.subarray(payloadAt),
      ...(properties === undefined ? {} : { properties }),
      retain: (flags & RETAIN) !== 0,
      storedAt: entry.readUIntBE(11, 6),
      expiresAt: entry.readUIntBE(5, 6),
      ...(flags > RETAIN ? asked(flags, collapseKey) : {}),
    },
    selector,
  }
}

/** Apart: few messages ask for these. */
function asked(
  flags: number,
  collapseKey: string | undefined,
): Pick<LogEntry, 'isFollowed' | 'receipt' | 'collapseKey' | 'webPush'> {
  return {
    ...((flags & FOLLOWED) !== 0 ? { isFollowed: true } : {}),
    ...((flags & RECEIPT) !== 0 ? { receipt: true } : {}),
    ...((flags & WEB_PUSH) !== 0 ? { webPush: true } : {}),
    ...(collapseKey === undefined ? {} : { collapseKey }),
  }
}
