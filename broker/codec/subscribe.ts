import type { ByteReader } from './byte-reader.ts'
import { PacketBytes } from './packet-bytes.ts'
import type { DecoderLimits } from './limits.ts'
import type {
  Properties,
  ProtocolLevel,
  QoS,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from './packets.ts'
import { NO_PROPERTIES, readProperties, SUBSCRIBE_PROPERTIES, UNSUBSCRIBE_PROPERTIES } from './properties.ts'
import { checkTopicFilter, sharedFilter } from './topic-syntax.ts'
import { malformed, protocolError } from './violation.ts'

const QOS_BITS = 0x03
const NO_LOCAL_BIT = 0x04
const RETAIN_AS_PUBLISHED_BIT = 0x08
const RESERVED_BITS = 0xc0

class DecodedSubscribe extends PacketBytes implements SubscribePacket {
  readonly type = 'subscribe'
  readonly packetId: number
  readonly subscriptions: readonly SubscriptionRequest[]
  readonly properties: Properties

  constructor(
    reader: ByteReader,
    start: number,
    packetId: number,
    subscriptions: SubscriptionRequest[],
    properties: Properties,
  ) {
    super(reader.bytes, start, reader.end)
    this.packetId = packetId
    this.subscriptions = subscriptions
    this.properties = properties
  }
}

class DecodedUnsubscribe extends PacketBytes implements UnsubscribePacket {
  readonly type = 'unsubscribe'
  readonly packetId: number
  readonly filters: readonly string[]
  readonly properties: Properties

  constructor(reader: ByteReader, start: number, packetId: number, filters: string[], properties: Properties) {
    super(reader.bytes, start, reader.end)
    this.packetId = packetId
    this.filters = filters
    this.properties = properties
  }
}

/** Section 3.8. */
export function readSubscribe(
  reader: ByteReader,
  start: number,
  level: ProtocolLevel,
  limits: DecoderLimits,
): SubscribePacket {
  const packetId = readPacketId(reader)
  const properties = level === 5 ? readProperties(reader, SUBSCRIBE_PROPERTIES) : NO_PROPERTIES
  if (reader.remaining() === 0) protocolError('MQTT-3.8.3-2', 'SUBSCRIBE has no topic filter') // in 3.1.1 [MQTT-3.8.3-3]
  const subscriptions: SubscriptionRequest[] = []
  while (reader.remaining() > 0) {
    const filter = readFilter(reader, limits)
    const options = reader.byte()
    subscriptions.push(level === 5 ? request5(filter, options) : request3(filter, options))
  }
  return new DecodedSubscribe(reader, start, packetId, subscriptions, properties)
}

/** Section 3.10. */
export function readUnsubscribe(
  reader: ByteReader,
  start: number,
  level: ProtocolLevel,
  limits: DecoderLimits,
): UnsubscribePacket {
  const packetId = readPacketId(reader)
  const properties = level === 5 ? readProperties(reader, UNSUBSCRIBE_PROPERTIES) : NO_PROPERTIES
  if (reader.remaining() === 0) protocolError('MQTT-3.10.3-2', 'UNSUBSCRIBE has no topic filter')
  const filters: string[] = []
  while (reader.remaining() > 0) {
    const filter = readFilter(reader, limits)
    if (level === 5) sharedFilter(filter)
    filters.push(filter)
  }
  return new DecodedUnsubscribe(reader, start, packetId, filters, properties)
}

function readPacketId(reader: ByteReader): number {
  const packetId = reader.twoByteInteger()
  if (packetId === 0) protocolError('MQTT-2.2.1-3', 'the packet id is 0') // in 3.1.1 [MQTT-2.3.1-1]
  return packetId
}

function readFilter(reader: ByteReader, limits: DecoderLimits): string {
  const start = reader.position
  const filter = reader.identifier('topic filter') // [MQTT-3.8.3-1] [MQTT-3.10.3-1]
  checkTopicFilter(filter, limits, reader.position - start - 2)
  return filter
}

function request5(filter: string, options: number): SubscriptionRequest {
  const qos = options & QOS_BITS
  const retainHandling = (options >> 4) & 3
  if ((options & RESERVED_BITS) !== 0) malformed('MQTT-3.8.3-5', 'reserved subscription options are set')
  if (qos === 3) protocolError('3.8.3.1', 'the maximum QoS of a subscription is 3')
  if (retainHandling === 3) protocolError('3.8.3.1', 'the retain handling of a subscription is 3')
  const noLocal = (options & NO_LOCAL_BIT) !== 0
  const shared = sharedFilter(filter)
  if (noLocal && shared !== undefined) protocolError('MQTT-3.8.3-4', 'No Local is set on a shared subscription')
  return {
    filter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED_BIT) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  }
}

function request3(filter: string, options: number): SubscriptionRequest {
  if (options > 2) malformed('MQTT-3-8.3-4', 'the requested QoS is not 0, 1 or 2') // the clause of 3.1.1 is written so
  return { filter, qos: options as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0 }
}
