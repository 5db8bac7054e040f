/** Converts between messages of general topics and packets of Aedes. */
import type { QoS } from '../codec/packets.ts'
import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { encodeForwardProperties } from '../codec/encoder.ts'
import type { Properties } from '../codec/packets.ts'
import { PUBLISH_PROPERTIES, readProperties } from '../codec/properties.ts'
import type { GeneralMessage } from '../session/general.ts'

/** What Aedes takes, hands on and keeps. */
export interface NativePacket {
  readonly cmd: 'publish'
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  /** The publisher. */
  readonly clientId?: string
  readonly properties?: NativeProperties
  /** Milliseconds since the epoch. */
  readonly messageExpiry?: number
}

/** As mqtt-packet gives them. */
export interface NativeProperties {
  payloadFormatIndicator?: boolean
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  userProperties?: Record<string, string | string[]>
}

/** DUP is between a sender and its receiver, and is never forwarded [MQTT-3.3.1-3]. */
export function nativePacketOf(message: GeneralMessage, now: number): NativePacket & { properties: NativeProperties } {
  const { topic, payload, qos, retain, expiresAt } = message
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const packet = { cmd: 'publish' as const, topic, payload: bytes, qos, retain, dup: false }
  const properties = nativePropertiesOf(message)
  if (!Number.isFinite(expiresAt)) return { ...packet, properties }
  properties.messageExpiryInterval = Math.max(1, Math.ceil((expiresAt - now) / 1000))
  return { ...packet, properties, messageExpiry: expiresAt }
}

function nativePropertiesOf({ properties }: GeneralMessage): NativeProperties {
  const native: NativeProperties = {}
  if (properties === undefined) return native
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = decoded(properties)
  if (payloadFormatIndicator !== undefined) native.payloadFormatIndicator = payloadFormatIndicator === 1
  if (contentType !== undefined) native.contentType = contentType
  if (responseTopic !== undefined) native.responseTopic = responseTopic
  if (correlationData !== undefined) native.correlationData = Buffer.from(correlationData)
  if (userProperties !== undefined) native.userProperties = byName(userProperties)
  return native
}

/** As they are stored: without their length before them. */
function decoded(properties: Uint8Array): Properties {
  const writer = new ByteWriter()
  writer.variableByteInteger(properties.byteLength)
  writer.raw(properties)
  const reader = new ByteReader()
  reader.bytes = writer.finish()
  reader.end = reader.bytes.byteLength
  return readProperties(reader, PUBLISH_PROPERTIES)
}

/** mqtt-packet has user properties as an object of names; ours are pairs, in order. */
function byName(pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const named: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of pairs) {
    const known = named[name]
    if (known === undefined) named[name] = value
    else if (Array.isArray(known)) known.push(value)
    else named[name] = [known, value]
  }
  return named
}

interface Known {
  readonly from: string
  readonly id: string
  readonly now: number
}

export function messageOf(packet: NativePacket, { from, id, now }: Known): GeneralMessage {
  const { topic, payload, qos, retain, properties, messageExpiry } = packet
  const seconds = properties?.messageExpiryInterval
  const expiresAt = messageExpiry ?? (seconds === undefined ? Infinity : now + seconds * 1000)
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const message = { topic, payload: bytes, qos, retain, from, id, storedAt: now, expiresAt }
  const encoded = properties === undefined ? undefined : encodeForwardProperties(propertiesOf(properties))
  return encoded === undefined || encoded.byteLength === 0 ? message : { ...message, properties: encoded }
}

function propertiesOf(native: NativeProperties): Properties {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties = {} } = native
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(userProperties))
    for (const each of Array.isArray(value) ? value : [value]) pairs.push([name, each])
  const properties: Properties = {}
  if (payloadFormatIndicator !== undefined) properties.payloadFormatIndicator = payloadFormatIndicator ? 1 : 0
  if (contentType !== undefined) properties.contentType = contentType
  if (responseTopic !== undefined) properties.responseTopic = responseTopic
  if (correlationData !== undefined) properties.correlationData = correlationData
  if (pairs.length > 0) properties.userProperties = pairs
  return properties
}
