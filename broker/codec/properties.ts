import type { ByteReader } from './byte-reader.ts'
import { type Properties, Reason } from './packets.ts'
import { type DataType, PROPERTY_TYPES, PropertyId } from './property-ids.ts'
import { isTopicName } from './topic-syntax.ts'
import { malformed, protocolError, violation } from './violation.ts'

/** Shared by all packets without properties, so that they cost nothing. */
export const NO_PROPERTIES: Properties = Object.freeze({})

/** The properties that one packet type may carry from a client. */
interface PropertySet {
  /** Section of MQTT 5 that lists them. */
  readonly section: string
  /** 1 at every identifier that is allowed. */
  readonly allowed: Uint8Array
  /** Reason code for a known property that is not allowed here. */
  readonly otherwise: number
}

/**
 * Section 2.2.2.2 calls a property of another packet type malformed (0x81), the sections of the packets mostly speak of
 * protocol errors (0x82). Mosquitto, whose users move over to here, answers 0x82 save for SUBSCRIBE and UNSUBSCRIBE;
 * both close the connection, so we answer alike.
 */
function propertySet(section: string, ids: readonly number[], otherwise: number = Reason.protocolError): PropertySet {
  const allowed = new Uint8Array(PROPERTY_TYPES.length)
  for (const id of ids) allowed[id] = 1
  return { section, allowed, otherwise }
}

const P = PropertyId

export const CONNECT_PROPERTIES = propertySet('3.1.2.11', [
  P.sessionExpiryInterval,
  P.receiveMaximum,
  P.maximumPacketSize,
  P.topicAliasMaximum,
  P.requestResponseInformation,
  P.requestProblemInformation,
  P.userProperty,
  P.authenticationMethod,
  P.authenticationData,
])
export const WILL_PROPERTIES = propertySet('3.1.3.2', [
  P.willDelayInterval,
  P.payloadFormatIndicator,
  P.messageExpiryInterval,
  P.contentType,
  P.responseTopic,
  P.correlationData,
  P.userProperty,
])
/** Without Subscription Identifier, which only a server may send. [MQTT-3.3.4-6] */
export const PUBLISH_PROPERTIES = propertySet('3.3.2.3', [
  P.payloadFormatIndicator,
  P.messageExpiryInterval,
  P.topicAlias,
  P.responseTopic,
  P.correlationData,
  P.userProperty,
  P.contentType,
])
export const PUBACK_PROPERTIES = propertySet('3.4.2.2', [P.reasonString, P.userProperty])
export const SUBSCRIBE_PROPERTIES = propertySet(
  '3.8.2.1',
  [P.subscriptionIdentifier, P.userProperty],
  Reason.malformedPacket,
)
export const UNSUBSCRIBE_PROPERTIES = propertySet('3.10.2.1', [P.userProperty], Reason.malformedPacket)
/** Server Reference has no meaning from a client, but nothing forbids it: it is read and left out. */
export const DISCONNECT_PROPERTIES = propertySet('3.14.2.2', [
  P.sessionExpiryInterval,
  P.reasonString,
  P.userProperty,
  P.serverReference,
])
export const AUTH_PROPERTIES = propertySet('3.15.2.2', [
  P.authenticationMethod,
  P.authenticationData,
  P.reasonString,
  P.userProperty,
])

/**
 * Reads the property length and the properties.
 *
 * `local` collects start and end of each property that concerns only this connection (Message Expiry Interval, which the
 * server counts down, and Topic Alias), so that a forwarder can leave them out.
 */
export function readProperties(reader: ByteReader, set: PropertySet, local?: number[]): Properties {
  const length = reader.variableByteInteger()
  if (length === 0) return NO_PROPERTIES
  const packetEnd = reader.end
  const end = reader.position + length
  if (end > packetEnd) malformed('2.2.2.1', 'the property length reaches beyond the packet')
  reader.end = end
  const properties: Properties = {}
  const seen = new Uint8Array(PROPERTY_TYPES.length)
  while (reader.position < end) {
    const start = reader.position
    const id = reader.variableByteInteger()
    const type = PROPERTY_TYPES[id]
    if (type === undefined) malformed('2.2.2.2', 'there is no such property identifier')
    if (set.allowed[id] === 0) {
      skipValue(reader, type)
      violation(set.otherwise, set.section, 'a property is not allowed in this packet')
    }
    if (seen[id] === 1 && id !== P.userProperty) protocolError(set.section, 'a property occurs twice')
    seen[id] = 1
    readValue(reader, id, properties)
    if (local !== undefined && (id === P.messageExpiryInterval || id === P.topicAlias))
      local.push(start, reader.position)
  }
  reader.end = packetEnd
  return properties
}

/** A forbidden property that is also cut off is reported as malformed, hence it is read first. */
function skipValue(reader: ByteReader, type: DataType): void {
  if (type === 'textPair') {
    reader.text('user property name')
    reader.text('user property value')
  } else if (type === 'text') reader.text('property')
  else reader[type]()
}

function readValue(reader: ByteReader, id: number, properties: Properties): void {
  switch (id) {
    case P.payloadFormatIndicator:
      properties.payloadFormatIndicator = flag(reader, '3.3.2.3.2')
      break
    case P.messageExpiryInterval:
      properties.messageExpiryInterval = reader.fourByteInteger()
      break
    case P.contentType:
      properties.contentType = reader.text('content type') // [MQTT-3.3.2-19]
      break
    case P.responseTopic:
      properties.responseTopic = responseTopic(reader)
      break
    case P.correlationData:
      properties.correlationData = reader.binary()
      break
    case P.subscriptionIdentifier:
      properties.subscriptionIdentifier = positive(reader.variableByteInteger(), '3.8.2.1.2')
      break
    case P.topicAlias:
      properties.topicAlias = topicAlias(reader)
      break
    case P.reasonString:
      properties.reasonString = reader.text('reason string')
      break
    case P.userProperty: {
      const name = reader.text('user property name')
      const value = reader.text('user property value')
      if (properties.userProperties === undefined) properties.userProperties = [[name, value]]
      else properties.userProperties.push([name, value]) // the order is kept [MQTT-3.3.2-18]
      break
    }
    default:
      readConnectionValue(reader, id, properties)
  }
}

/** Those that speak of the connection, not of a message. */
function readConnectionValue(reader: ByteReader, id: number, properties: Properties): void {
  switch (id) {
    case P.sessionExpiryInterval:
      properties.sessionExpiryInterval = reader.fourByteInteger()
      break
    case P.willDelayInterval:
      properties.willDelayInterval = reader.fourByteInteger()
      break
    case P.receiveMaximum:
      properties.receiveMaximum = positive(reader.twoByteInteger(), '3.1.2.11.3')
      break
    case P.maximumPacketSize:
      properties.maximumPacketSize = positive(reader.fourByteInteger(), '3.1.2.11.4')
      break
    case P.topicAliasMaximum:
      properties.topicAliasMaximum = reader.twoByteInteger()
      break
    case P.requestResponseInformation:
      properties.requestResponseInformation = flag(reader, '3.1.2.11.6')
      break
    case P.requestProblemInformation:
      properties.requestProblemInformation = flag(reader, '3.1.2.11.7')
      break
    case P.authenticationMethod:
      properties.authenticationMethod = reader.text('authentication method')
      break
    case P.authenticationData:
      properties.authenticationData = reader.binary()
      break
    case P.serverReference:
      reader.text('server reference')
      break
    default:
      malformed('2.2.2.2', 'the property cannot come from a client')
  }
}

function flag(reader: ByteReader, section: string): number {
  const value = reader.byte()
  if (value > 1) protocolError(section, 'a property that is 0 or 1 has another value')
  return value
}

function positive(value: number, section: string): number {
  if (value === 0) protocolError(section, 'a property that must not be 0 is 0')
  return value
}

function topicAlias(reader: ByteReader): number {
  const alias = reader.twoByteInteger()
  if (alias === 0) violation(Reason.topicAliasInvalid, 'MQTT-3.3.2-8', 'the topic alias is 0')
  return alias
}

function responseTopic(reader: ByteReader): string {
  const topic = reader.identifier('response topic') // [MQTT-3.3.2-13]
  if (!isTopicName(topic)) protocolError('MQTT-3.3.2-14', 'the response topic is empty or has a wildcard')
  return topic
}
