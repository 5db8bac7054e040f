/** Between our packets and those of Aedes. */
import type { PublishPacket as AedesPacket } from 'aedes'
import { ByteWriter } from '../codec/byte-writer.ts'
import { encodeProperties } from '../codec/encoder.ts'
import type {
  Properties,
  ProtocolLevel,
  QoS,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from '../codec/packets.ts'
import { PROPERTY_TYPES, PropertyId } from '../codec/property-ids.ts'

interface PublishFields {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  readonly properties: Properties
}

/** DUP is between a sender and its receiver, and is never forwarded [MQTT-3.3.1-3]. */
export function toAedesPacket({ topic, payload, qos, retain, properties }: PublishFields): AedesPacket {
  const forwarded = toAedesProperties(properties)
  const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), qos, retain, dup: false }
  return forwarded === undefined ? packet : { ...packet, properties: forwarded }
}

function toAedesProperties(properties: Properties): NonNullable<AedesPacket['properties']> | undefined {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } =
    properties
  const forwarded: NonNullable<AedesPacket['properties']> = {}
  if (payloadFormatIndicator !== undefined) forwarded.payloadFormatIndicator = payloadFormatIndicator === 1
  if (messageExpiryInterval !== undefined) forwarded.messageExpiryInterval = messageExpiryInterval
  if (contentType !== undefined) forwarded.contentType = contentType
  if (responseTopic !== undefined) forwarded.responseTopic = responseTopic
  if (correlationData !== undefined) forwarded.correlationData = Buffer.from(correlationData)
  if (userProperties !== undefined) forwarded.userProperties = byName(userProperties)
  return Object.keys(forwarded).length === 0 ? undefined : forwarded
}

/** mqtt-packet gives user properties as an object of names; ours are pairs, in order. */
export function fromAedes(properties: object): Properties {
  const { userProperties, payloadFormatIndicator, ...rest } = properties as Record<string, unknown>
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries((userProperties ?? {}) as Record<string, string | string[]>)) {
    for (const each of Array.isArray(value) ? value : [value]) pairs.push([name, each])
  }
  return {
    ...(rest as Properties),
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator ? 1 : 0 }),
    ...(pairs.length === 0 ? {} : { userProperties: pairs }),
  }
}

function byName(pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const named = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of pairs) {
    const known = named[name]
    if (known === undefined) named[name] = value
    else if (Array.isArray(known)) known.push(value)
    else named[name] = [known, value]
  }
  return named
}

/** The CONNECT with Keep Alive 0: the gate watches it, since Aedes does not see every packet. */
export function withoutKeepAlive(raw: Buffer): Buffer {
  const packet = Buffer.from(raw)
  let at = variableInteger(packet, 1).end
  // Protocol name with its length, protocol level, connect flags, then Keep Alive.
  at += 2 + packet.readUInt16BE(at) + 2
  packet.writeUInt16BE(0, at)
  return packet
}

/** The packets in what was written at one time. */
export function* eachPacket(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = variableInteger(bytes, at + 1)
    const end = length.end + length.value
    yield bytes.subarray(at, end)
    at = end
  }
}

/** Not authorized: the highest return code of MQTT 3.1 and 3.1.1. */
const LAST_RETURN_CODE = 5

/** The CONNACK with Session Present as it is, where it says success [MQTT-3.2.2-2], [MQTT-3.2.2-3], [MQTT-3.2.2-6] */
export function withSessionPresent(connack: Buffer, present: boolean, level: ProtocolLevel | undefined): Buffer {
  const at = variableInteger(connack, 1).end
  const code = connack.readUInt8(at + 1)
  const packet = Buffer.from(connack)
  if (code !== 0) {
    // A hook of the embedder's may name any code; before MQTT 5 those above 5 are reserved (3.1.1, table 3.1).
    if (level !== 5 && code > LAST_RETURN_CODE) packet.writeUInt8(LAST_RETURN_CODE, at + 1)
    return packet
  }
  packet.writeUInt8(present && level !== 3 ? 1 : 0, at)
  if (level === 5) offerSharedSubscriptions(packet, at + 2)
  return packet
}

/** Aedes says that it has none [MQTT-3.2.2-13]; it has them here. */
function offerSharedSubscriptions(connack: Buffer, start: number): void {
  const properties = variableInteger(connack, start)
  for (let at = properties.end; at < properties.end + properties.value; ) {
    const id = connack.readUInt8(at++)
    if (id === PropertyId.sharedSubscriptionAvailable) connack.writeUInt8(1, at)
    at += sizeOfProperty(connack, at, id)
  }
}

function sizeOfProperty(bytes: Buffer, at: number, id: number): number {
  switch (PROPERTY_TYPES[id]) {
    case 'byte':
      return 1
    case 'twoByteInteger':
      return 2
    case 'fourByteInteger':
      return 4
    case 'variableByteInteger':
      return variableInteger(bytes, at).end - at
    case 'textPair': {
      const name = 2 + bytes.readUInt16BE(at)
      return name + 2 + bytes.readUInt16BE(at + name)
    }
    default:
      return 2 + bytes.readUInt16BE(at)
  }
}

/** A SUBSCRIBE or UNSUBSCRIBE with only some of its filters. */
export function withOnly(
  packet: SubscribePacket | UnsubscribePacket,
  filters: readonly { readonly filter: string; readonly options?: number }[],
  level: ProtocolLevel,
): Buffer {
  const writer = new ByteWriter()
  writer.twoByteInteger(packet.packetId)
  if (level === 5) {
    const { subscriptionIdentifier } = packet.properties
    const properties = encodeProperties(
      subscriptionIdentifier === undefined ? {} : { subscriptionIdentifiers: [subscriptionIdentifier] },
    )
    writer.variableByteInteger(properties.byteLength)
    writer.raw(properties)
  }
  for (const { filter, options } of filters) {
    writer.text(filter)
    if (options !== undefined) writer.byte(options)
  }
  const body = writer.finish()
  const header = new ByteWriter()
  header.byte(packet.type === 'subscribe' ? 0x82 : 0xa2)
  header.variableByteInteger(body.byteLength)
  return Buffer.concat([header.finish(), body])
}

/** Subscription options as on the wire (section 3.8.3.1). */
export function optionsOf(request: SubscriptionRequest): number {
  const { qos, noLocal, retainAsPublished, retainHandling } = request
  return qos | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | (retainHandling << 4)
}

/** The codes of a SUBACK or UNSUBACK; none in the UNSUBACK before MQTT 5. */
export function codesOf(acknowledgement: Buffer, level: ProtocolLevel): number[] {
  const at = variableInteger(acknowledgement, 1).end + 2
  if (level !== 5) return [...acknowledgement.subarray(at)]
  const properties = variableInteger(acknowledgement, at)
  return [...acknowledgement.subarray(properties.end + properties.value)]
}

/** Of a packet that was found well-formed. */
function variableInteger(packet: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = start, factor = 1; ; at++, factor *= 128) {
    const byte = packet.readUInt8(at)
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, end: at + 1 }
  }
}
