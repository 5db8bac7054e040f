/** Encodes the packets that the server sends. Lone surrogates in strings become U+FFFD. [MQTT-1.5.4-1] */
import { Buffer } from 'node:buffer'
import { variableByteIntegerSize, writeVariableByteInteger } from './byte-writer.ts'
import { encodeProperties, type OutgoingProperties } from './encode-properties.ts'
import type { ProtocolLevel } from './packets.ts'

export { encodeForwardProperties, encodeProperties, type OutgoingProperties } from './encode-properties.ts'
export {
  encodePublish,
  type OutgoingPublish,
  withPacketId,
  withTopicAlias,
} from './encode-publish.ts'

const CONNACK = 0x20
const PUBACK = 0x40
const PUBREC = 0x50
const PUBREL = 0x62
const PUBCOMP = 0x70
const SUBACK = 0x90
const UNSUBACK = 0xb0
const DISCONNECT = 0xe0
const FAILURE = 0x80
const EMPTY = Buffer.alloc(0)

/** Section 3.13. Shared: not to be written to. */
export const PINGRESP: Buffer = Buffer.from([0xd0, 0x00])

interface OutgoingConnack {
  /** Sent only with success [MQTT-3.2.2-6], in 3.1.1 [MQTT-3.2.2-4]; MQTT 3.1 has no such flag. */
  readonly sessionPresent: boolean
  /** MQTT 5 reason code. */
  readonly reason: number
  /** MQTT 3.1 and 3.1.1. */
  readonly returnCode: number
  /** MQTT 5. */
  readonly properties?: OutgoingProperties | undefined
}

/** Section 3.2. */
export function encodeConnack(level: ProtocolLevel, connack: OutgoingConnack): Buffer {
  if (level !== 5) {
    const present = connack.sessionPresent && connack.returnCode === 0 && level === 4
    return Buffer.from([CONNACK, 2, present ? 1 : 0, connack.returnCode])
  }
  const present = connack.sessionPresent && connack.reason === 0
  return packet5(CONNACK, [present ? 1 : 0, connack.reason], connack.properties, EMPTY)
}

/** Section 3.9. Before MQTT 5 every failure is 0x80. */
export function encodeSuback(
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  properties?: OutgoingProperties,
): Buffer {
  if (level === 5) return packet5(SUBACK, [packetId >> 8, packetId & 0xff], properties, Uint8Array.from(codes))
  const codes3 = Uint8Array.from(codes, (code) => (code >= FAILURE ? FAILURE : code))
  return packet3(SUBACK, packetId, codes3)
}

/** Section 3.11. The codes exist in MQTT 5 only. */
export function encodeUnsuback(
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  properties?: OutgoingProperties,
): Buffer {
  if (level === 5) return packet5(UNSUBACK, [packetId >> 8, packetId & 0xff], properties, Uint8Array.from(codes))
  return packet3(UNSUBACK, packetId, EMPTY)
}

/** Section 3.4. Reason and reason string exist in MQTT 5 only, here and in the next three. */
export function encodePuback(level: ProtocolLevel, packetId: number, reason = 0, reasonString?: string): Buffer {
  return acknowledgement(PUBACK, level, packetId, reason, reasonString)
}

/** Section 3.5. */
export function encodePubrec(level: ProtocolLevel, packetId: number, reason = 0, reasonString?: string): Buffer {
  return acknowledgement(PUBREC, level, packetId, reason, reasonString)
}

/** Section 3.6. */
export function encodePubrel(level: ProtocolLevel, packetId: number, reason = 0, reasonString?: string): Buffer {
  return acknowledgement(PUBREL, level, packetId, reason, reasonString)
}

/** Section 3.7. */
export function encodePubcomp(level: ProtocolLevel, packetId: number, reason = 0, reasonString?: string): Buffer {
  return acknowledgement(PUBCOMP, level, packetId, reason, reasonString)
}

/** Section 3.14, MQTT 5 only: before it, a server just closes. */
export function encodeDisconnect(reason: number, reasonString?: string, properties?: OutgoingProperties): Buffer {
  if (reasonString === undefined && properties === undefined) return Buffer.from([DISCONNECT, 1, reason])
  return packet5(DISCONNECT, [reason], { ...properties, reasonString }, EMPTY)
}

function acknowledgement(
  first: number,
  level: ProtocolLevel,
  packetId: number,
  reason: number,
  reasonString?: string,
): Buffer {
  const high = packetId >> 8
  const low = packetId & 0xff
  if (level !== 5 || (reason === 0 && reasonString === undefined)) {
    const bytes = Buffer.allocUnsafe(4)
    bytes[0] = first
    bytes[1] = 2
    bytes[2] = high
    bytes[3] = low
    return bytes
  }
  if (reasonString === undefined) return Buffer.from([first, 3, high, low, reason])
  return packet5(first, [high, low, reason], { reasonString }, EMPTY)
}

function packet3(first: number, packetId: number, payload: Uint8Array): Buffer {
  const remaining = 2 + payload.length
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(remaining) + remaining)
  bytes[0] = first
  const at = writeVariableByteInteger(bytes, 1, remaining)
  bytes[at] = packetId >> 8
  bytes[at + 1] = packetId & 0xff
  bytes.set(payload, at + 2)
  return bytes
}

function packet5(
  first: number,
  variableHeader: readonly number[],
  properties: OutgoingProperties | undefined,
  payload: Uint8Array,
): Buffer {
  const content = properties === undefined ? EMPTY : encodeProperties(properties)
  const remaining = variableHeader.length + variableByteIntegerSize(content.length) + content.length + payload.length
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(remaining) + remaining)
  bytes[0] = first
  let at = writeVariableByteInteger(bytes, 1, remaining)
  bytes.set(variableHeader, at)
  at = writeVariableByteInteger(bytes, at + variableHeader.length, content.length)
  bytes.set(content, at)
  bytes.set(payload, at + content.length)
  return bytes
}
