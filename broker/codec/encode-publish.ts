import { Buffer } from 'node:buffer'
import { variableByteIntegerSize, writeVariableByteInteger } from './byte-writer.ts'
import type { ProtocolLevel, QoS } from './packets.ts'
import { PropertyId } from './property-ids.ts'

const PUBLISH = 0x30
const DUP_BIT = 0x08
const QOS_BITS = 0x06
/** Size of the property: its identifier and a two-byte integer. */
const ALIAS_SIZE = 3
const LONGEST_TOPIC = 65_535
const LOOP_UP_TO = 48

export interface OutgoingPublish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  /** For QoS 1 and 2; 0 where it is set later, see `withPacketId`. */
  readonly packetId?: number | undefined
  readonly level: ProtocolLevel
  /** MQTT 5: properties as on the wire, without their length, as `encodeProperties` makes them. */
  readonly properties?: Uint8Array | undefined
}

/** Section 3.3. */
export function encodePublish(publish: OutgoingPublish): Buffer {
  const { topic, payload, qos, level, properties } = publish
  const topicSize = sizeOf(topic)
  const propertiesSize = properties === undefined ? 0 : properties.byteLength
  const propertyLengthSize = level === 5 ? variableByteIntegerSize(propertiesSize) : 0
  const contentSize = level === 5 ? propertyLengthSize + propertiesSize : 0
  const remaining = 2 + topicSize + (qos > 0 ? 2 : 0) + contentSize + payload.byteLength
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(remaining) + remaining)
  // DUP never comes from the publisher, and is 0 for QoS 0. [MQTT-3.3.1-2] [MQTT-3.3.1-3]
  bytes[0] = PUBLISH | (publish.dup && qos > 0 ? DUP_BIT : 0) | (qos << 1) | (publish.retain ? 1 : 0)
  let at = writeVariableByteInteger(bytes, 1, remaining)
  at = writeTopic(bytes, at, topic, topicSize)
  if (qos > 0) {
    writePacketId(bytes, at, publish.packetId ?? 0)
    at += 2
  }
  if (level === 5) {
    at = writeVariableByteInteger(bytes, at, propertiesSize)
    if (properties !== undefined) bytes.set(properties, at)
    at += propertiesSize
  }
  bytes.set(payload, at)
  return bytes
}

/** A copy of an encoded PUBLISH of QoS 1 or 2 with another packet id. */
export function withPacketId(publish: Buffer, packetId: number, dup = false): Buffer {
  const copy = Buffer.allocUnsafe(publish.length)
  copy.set(publish, 0)
  const first = publish[0] as number
  copy[0] = dup ? first | DUP_BIT : first & ~DUP_BIT
  writePacketId(copy, packetIdOffset(publish), packetId)
  return copy
}

/**
 * A copy of an encoded PUBLISH of MQTT 5 with a Topic Alias; without its topic where the receiver knows the alias, which
 * is what an alias is for. [MQTT-3.3.2-12]
 */
export function withTopicAlias(publish: Buffer, alias: number, known: boolean): Buffer {
  const topicAt = bodyOf(publish)
  const topicSize = publish.readUInt16BE(topicAt)
  const first = publish[0] as number
  const propertiesAt = topicAt + 2 + topicSize + ((first & QOS_BITS) === 0 ? 0 : 2)
  const length = variableByteInteger(publish, propertiesAt)
  const size = length.value + ALIAS_SIZE
  const kept = known ? 0 : topicSize
  const remaining =
    2 +
    kept +
    (propertiesAt - topicAt - 2 - topicSize) +
    variableByteIntegerSize(size) +
    ALIAS_SIZE +
    publish.length -
    length.end
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(remaining) + remaining)
  bytes[0] = first
  let at = writeVariableByteInteger(bytes, 1, remaining)
  at = bytes.writeUInt16BE(kept, at)
  at += publish.copy(bytes, at, topicAt + 2, topicAt + 2 + kept)
  at += publish.copy(bytes, at, topicAt + 2 + topicSize, propertiesAt)
  at = writeVariableByteInteger(bytes, at, size)
  at = bytes.writeUInt8(PropertyId.topicAlias, at)
  at = bytes.writeUInt16BE(alias, at)
  publish.copy(bytes, at, length.end)
  return bytes
}

/** Of a packet of our own. */
function variableByteInteger(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = start, factor = 1; ; at++, factor *= 128) {
    const byte = bytes[at] as number
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, end: at + 1 }
  }
}

/** Where the variable header begins. */
function bodyOf(packet: Uint8Array): number {
  let at = 1
  while ((packet[at] as number) >= 0x80) at++
  return at + 1
}

/** Behind fixed header and topic. */
function packetIdOffset(publish: Uint8Array): number {
  const at = bodyOf(publish)
  const topicSize = ((publish[at] as number) << 8) | (publish[at + 1] as number)
  return at + 2 + topicSize
}

function writePacketId(bytes: Uint8Array, at: number, packetId: number): void {
  bytes[at] = packetId >> 8
  bytes[at + 1] = packetId & 0xff
}

function sizeOf(topic: string): number {
  const size = Buffer.byteLength(topic)
  if (size > LONGEST_TOPIC) throw new RangeError('a topic has at most 65,535 bytes')
  return size
}

function writeTopic(bytes: Buffer, start: number, topic: string, size: number): number {
  bytes[start] = size >> 8
  bytes[start + 1] = size & 0xff
  const from = start + 2
  // A short ASCII topic is written here as fast as by the runtime with its argument checks.
  if (size === topic.length && size <= LOOP_UP_TO) {
    for (let at = 0; at < size; at++) bytes[from + at] = topic.charCodeAt(at)
  } else {
    bytes.write(topic, from, 'utf8')
  }
  return from + size
}
