import { Buffer } from 'node:buffer'
import type { ByteReader } from './byte-reader.ts'
import { PacketBytes } from './packet-bytes.ts'
import type { DecoderLimits } from './limits.ts'
import { type ProtocolLevel, type Properties, type PublishPacket, type QoS, Reason } from './packets.ts'
import { NO_PROPERTIES, PUBLISH_PROPERTIES, readProperties } from './properties.ts'
import { checkTopicName } from './topic-syntax.ts'
import { malformed, protocolError, violation } from './violation.ts'

const DUP_BIT = 0x08
const RETAIN_BIT = 0x01

class DecodedPublish extends PacketBytes implements PublishPacket {
  readonly type = 'publish'
  readonly dup: boolean
  readonly qos: QoS
  readonly retain: boolean
  readonly topic: string
  readonly payload: Buffer
  readonly properties: Properties
  declare packetId?: number
  declare forwardProperties?: Buffer

  constructor(reader: ByteReader, start: number, header: number, topic: string, properties: Properties) {
    super(reader.bytes, start, reader.end)
    this.dup = (header & DUP_BIT) !== 0
    this.qos = ((header >> 1) & 3) as QoS
    this.retain = (header & RETAIN_BIT) !== 0
    this.topic = topic
    this.payload = reader.bytes.subarray(reader.position, reader.end)
    this.properties = properties
  }
}

/** Refuses the flags before anything is buffered. */
export function checkPublishFlags(header: number): void {
  const qos = (header >> 1) & 3
  if (qos === 3) malformed('MQTT-3.3.1-4', 'the QoS is 3')
  if (qos === 0 && (header & DUP_BIT) !== 0) malformed('MQTT-3.3.1-2', 'DUP is set on a QoS 0 PUBLISH')
}

/** Reads PUBLISH packets of one connection; publishers stay with a topic, so the last one is recognised without decoding. */
export class PublishReader {
  #limits: DecoderLimits
  #lastTopic = ''
  /** By alias, for the length of the connection [MQTT-3.3.2-7]; absent until the first. */
  #aliases: Map<number, string> | undefined

  constructor(limits: DecoderLimits) {
    this.#limits = limits
  }

  adopt(limits: DecoderLimits): void {
    this.#limits = limits
  }

  read(reader: ByteReader, start: number, header: number, level: ProtocolLevel): PublishPacket {
    const written = this.#topic(reader)
    const qos = (header >> 1) & 3
    let packetId = 0
    if (qos > 0) {
      packetId = reader.twoByteInteger()
      if (packetId === 0) protocolError('MQTT-2.2.1-3', 'the packet id is 0') // in 3.1.1 [MQTT-2.3.1-1]
    }
    let properties = NO_PROPERTIES
    let forward: Buffer | undefined
    if (level === 5) {
      const at = reader.position
      if (at < reader.end && reader.bytes[at] === 0) {
        reader.position = at + 1
      } else {
        const local: number[] = []
        properties = readProperties(reader, PUBLISH_PROPERTIES, local)
        forward = forwardable(reader.bytes, contentStart(reader.bytes, at), reader.position, local)
      }
    }
    // An empty name needs an alias, and exists only in MQTT 5. [MQTT-4.7.3-1]
    const { topicAlias } = properties
    if (written.length === 0 && topicAlias === undefined) protocolError('3.3.2.1', 'the topic name is empty')
    const topic = topicAlias === undefined ? written : this.#named(topicAlias, written)
    const packet = new DecodedPublish(reader, start, header, topic, properties)
    if (qos > 0) packet.packetId = packetId
    if (forward !== undefined) packet.forwardProperties = forward
    return packet
  }

  /** Section 3.3.2.3.4: a name gives the alias its meaning, without one it is what was said before. */
  #named(alias: number, topic: string): string {
    const { topicAliasMaximum } = this.#limits
    if (alias > topicAliasMaximum)
      violation(Reason.topicAliasInvalid, 'MQTT-3.3.2-9', 'the topic alias is above the maximum of the server')
    if (topic.length > 0) {
      this.#aliases ??= new Map()
      this.#aliases.set(alias, topic)
      return topic
    }
    return this.#aliases?.get(alias) ?? protocolError('3.3.2.3.4', 'the topic alias stands for no topic')
  }

  #topic(reader: ByteReader): string {
    const last = this.#lastTopic
    if (last.length > 0 && repeats(reader, last)) {
      reader.position += 2 + last.length
      return last
    }
    const start = reader.position
    const topic = reader.identifier('topic name') // [MQTT-3.3.2-1]
    const byteLength = reader.position - start - 2
    checkTopicName(topic, this.#limits, byteLength)
    this.#lastTopic = byteLength === topic.length && byteLength <= 256 ? topic : ''
    return topic
  }
}

/** True if the length-prefixed field that follows is `last`, which is ASCII. */
function repeats(reader: ByteReader, last: string): boolean {
  const { bytes, position } = reader
  const length = last.length
  const start = position + 2
  if (start + length > reader.end || bytes[position] !== length >> 8 || bytes[position + 1] !== (length & 0xff))
    return false
  // From the end, because topics of one publisher differ there.
  for (let at = length - 1; at >= 0; at--) {
    if (bytes[start + at] !== last.charCodeAt(at)) return false
  }
  return true
}

/** Behind the property length. */
function contentStart(bytes: Buffer, at: number): number {
  let start = at
  while ((bytes[start] as number) >= 0x80) start++
  return start + 1
}

/** The bytes from `start` to `end` without the ranges in `local`; a view where they are in one piece. */
function forwardable(bytes: Buffer, start: number, end: number, local: readonly number[]): Buffer | undefined {
  const pieces: Buffer[] = []
  let from = start
  for (let at = 0; at < local.length; at += 2) {
    const skipFrom = local[at] as number
    if (skipFrom > from) pieces.push(bytes.subarray(from, skipFrom))
    from = local[at + 1] as number
  }
  if (end > from) pieces.push(bytes.subarray(from, end))
  return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0]
}
