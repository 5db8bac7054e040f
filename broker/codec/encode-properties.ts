import { Buffer } from 'node:buffer'
import { ByteWriter } from './byte-writer.ts'
import type { Properties } from './packets.ts'
import { PropertyId } from './property-ids.ts'

type UserProperties = readonly (readonly [name: string, value: string])[]

/** Properties that a server sends, by the names of section 2.2.2.2. Absent and undefined ones are not sent. */
export interface OutgoingProperties {
  readonly payloadFormatIndicator?: number | undefined
  /** Seconds. */
  readonly messageExpiryInterval?: number | undefined
  readonly contentType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly correlationData?: Uint8Array | undefined
  /** One for each matching subscription that has one. [MQTT-3.3.4-3] [MQTT-3.3.4-4] */
  readonly subscriptionIdentifiers?: readonly number[] | undefined
  /** Seconds. */
  readonly sessionExpiryInterval?: number | undefined
  readonly assignedClientIdentifier?: string | undefined
  /** Seconds. */
  readonly serverKeepAlive?: number | undefined
  readonly authenticationMethod?: string | undefined
  readonly authenticationData?: Uint8Array | undefined
  readonly responseInformation?: string | undefined
  readonly serverReference?: string | undefined
  readonly reasonString?: string | undefined
  readonly receiveMaximum?: number | undefined
  readonly topicAliasMaximum?: number | undefined
  readonly topicAlias?: number | undefined
  readonly maximumQos?: 0 | 1 | undefined
  readonly retainAvailable?: boolean | undefined
  readonly userProperties?: UserProperties | undefined
  /** Bytes. */
  readonly maximumPacketSize?: number | undefined
  readonly wildcardSubscriptionAvailable?: boolean | undefined
  readonly subscriptionIdentifiersAvailable?: boolean | undefined
  readonly sharedSubscriptionAvailable?: boolean | undefined
}

const P = PropertyId
const EMPTY = Buffer.alloc(0)

/** The properties as on the wire, without the property length. */
export function encodeProperties(properties: OutgoingProperties): Buffer {
  const writer = new ByteWriter()
  appendMessageProperties(writer, properties)
  appendConnectionProperties(writer, properties)
  appendAvailability(writer, properties)
  appendText(writer, P.reasonString, properties.reasonString)
  appendUserProperties(writer, properties.userProperties)
  return writer.finish()
}

/**
 * What a server sends on of a publisher's properties: the decoder's `forwardProperties` for a caller that has changed
 * some. Message Expiry Interval, Topic Alias and Subscription Identifier belong to a delivery and are left out, as is
 * Will Delay Interval, which no PUBLISH has. Empty when nothing remains.
 */
export function encodeForwardProperties(properties: Properties): Buffer {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties
  // What most messages are.
  if (
    payloadFormatIndicator === undefined &&
    contentType === undefined &&
    responseTopic === undefined &&
    correlationData === undefined &&
    userProperties === undefined
  )
    return EMPTY
  return encodeProperties({ payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties })
}

function appendMessageProperties(writer: ByteWriter, properties: OutgoingProperties): void {
  appendByte(writer, P.payloadFormatIndicator, properties.payloadFormatIndicator) // [MQTT-3.3.2-4]
  appendFour(writer, P.messageExpiryInterval, properties.messageExpiryInterval)
  appendText(writer, P.contentType, properties.contentType) // [MQTT-3.3.2-20]
  appendText(writer, P.responseTopic, properties.responseTopic) // [MQTT-3.3.2-15]
  appendBinary(writer, P.correlationData, properties.correlationData) // [MQTT-3.3.2-16]
  appendTwo(writer, P.topicAlias, properties.topicAlias)
  for (const identifier of properties.subscriptionIdentifiers ?? []) {
    writer.byte(P.subscriptionIdentifier)
    writer.variableByteInteger(identifier)
  }
}

/**
 * MQTT leaves the order to the server. It is Mosquitto's, for tools that compare packets byte for byte, as its own
 * tests do.
 */
function appendConnectionProperties(writer: ByteWriter, properties: OutgoingProperties): void {
  appendTwo(writer, P.serverKeepAlive, properties.serverKeepAlive)
  appendTwo(writer, P.topicAliasMaximum, properties.topicAliasMaximum)
  appendText(writer, P.assignedClientIdentifier, properties.assignedClientIdentifier)
  appendText(writer, P.authenticationMethod, properties.authenticationMethod)
  appendBinary(writer, P.authenticationData, properties.authenticationData)
  appendFlag(writer, P.retainAvailable, properties.retainAvailable)
  appendFour(writer, P.maximumPacketSize, properties.maximumPacketSize)
  appendTwo(writer, P.receiveMaximum, properties.receiveMaximum)
  appendByte(writer, P.maximumQos, properties.maximumQos)
  appendFour(writer, P.sessionExpiryInterval, properties.sessionExpiryInterval)
  appendText(writer, P.responseInformation, properties.responseInformation)
  appendText(writer, P.serverReference, properties.serverReference)
}

function appendAvailability(writer: ByteWriter, properties: OutgoingProperties): void {
  appendFlag(writer, P.wildcardSubscriptionAvailable, properties.wildcardSubscriptionAvailable)
  appendFlag(writer, P.subscriptionIdentifiersAvailable, properties.subscriptionIdentifiersAvailable)
  appendFlag(writer, P.sharedSubscriptionAvailable, properties.sharedSubscriptionAvailable)
}

/** In the order given, which receivers may rely on. [MQTT-3.3.2-18] */
function appendUserProperties(writer: ByteWriter, userProperties: UserProperties = []): void {
  for (const [name, value] of userProperties) {
    writer.byte(P.userProperty)
    writer.text(name)
    writer.text(value)
  }
}

function appendFlag(writer: ByteWriter, id: number, value: boolean | undefined): void {
  if (value !== undefined) appendByte(writer, id, value ? 1 : 0)
}

function appendByte(writer: ByteWriter, id: number, value: number | undefined): void {
  if (value === undefined) return
  writer.byte(id)
  writer.byte(value)
}

function appendTwo(writer: ByteWriter, id: number, value: number | undefined): void {
  if (value === undefined) return
  writer.byte(id)
  writer.twoByteInteger(value)
}

function appendFour(writer: ByteWriter, id: number, value: number | undefined): void {
  if (value === undefined) return
  writer.byte(id)
  writer.fourByteInteger(value)
}

function appendText(writer: ByteWriter, id: number, value: string | undefined): void {
  if (value === undefined) return
  writer.byte(id)
  writer.text(value)
}

function appendBinary(writer: ByteWriter, id: number, value: Uint8Array | undefined): void {
  if (value === undefined) return
  writer.byte(id)
  writer.binary(value)
}
