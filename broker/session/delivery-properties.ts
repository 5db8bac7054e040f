/** MQTT 5 properties that belong to a delivery, on the wire (section 3.3.2.3). */
import type { Buffer } from 'node:buffer'

/** At most. */
export const IDENTIFIER_BYTES = 5
export const EXPIRY_BYTES = 5

/** [MQTT-3.3.2-6] the time to live less the time it waited here, seconds. */
export function writeExpiry(bytes: Buffer, start: number, seconds: number): number {
  return bytes.writeUInt32BE(seconds, bytes.writeUInt8(0x02, start))
}

/** [MQTT-3.3.4-3] */
export function writeSubscriptionIdentifier(bytes: Buffer, start: number, identifier: number): number {
  let at = bytes.writeUInt8(0x0b, start)
  let rest = identifier
  do {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    at = bytes.writeUInt8(rest > 0 ? digit | 0x80 : digit, at)
  } while (rest > 0)
  return at
}

export function writeUserProperty(bytes: Buffer, start: number, name: string, value: Buffer): number {
  let at = bytes.writeUInt8(0x26, start)
  at = bytes.writeUInt16BE(name.length, at)
  at += bytes.write(name, at, 'latin1')
  at = bytes.writeUInt16BE(value.length, at)
  return at + value.copy(bytes, at)
}
