/** The packets of MQTT 3.1, 3.1.1 and 5 as the server receives them, and the reason codes it sends. */

/** 3: MQTT 3.1, 4: MQTT 3.1.1, 5: MQTT 5. */
export type ProtocolLevel = 3 | 4 | 5
export type QoS = 0 | 1 | 2

/** MQTT 5 properties that a client may send, by the names of section 2.2.2. Absent ones were not sent. */
export interface Properties {
  payloadFormatIndicator?: number
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  /** From a client at most one, in SUBSCRIBE. */
  subscriptionIdentifier?: number
  sessionExpiryInterval?: number
  authenticationMethod?: string
  authenticationData?: Buffer
  requestProblemInformation?: number
  requestResponseInformation?: number
  willDelayInterval?: number
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumPacketSize?: number
  reasonString?: string
  userProperties?: [name: string, value: string][]
}

interface BasePacket {
  /** Bytes, fixed header included. */
  readonly size: number
  /** The whole packet as it came, fixed header included; valid until the next call of the decoder's `next`. */
  readonly raw: Buffer
}

export interface Will {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  /** MQTT 5 only. */
  readonly properties?: Properties
}

export interface ConnectPacket extends BasePacket {
  readonly type: 'connect'
  readonly level: ProtocolLevel
  /** Mosquitto's bridges set the top bit of the protocol level; it is not part of the standard. */
  readonly bridge: boolean
  /** Clean Session in 3.1 and 3.1.1. */
  readonly cleanStart: boolean
  /** Seconds; 0 is off. */
  readonly keepAlive: number
  readonly clientId: string
  readonly username?: string
  readonly password?: Buffer
  readonly will?: Will
  readonly properties: Properties
}

export interface PublishPacket extends BasePacket {
  readonly type: 'publish'
  readonly dup: boolean
  readonly qos: QoS
  readonly retain: boolean
  /** May be empty on MQTT 5 with a topic alias. */
  readonly topic: string
  /** Present for QoS 1 and 2. */
  readonly packetId?: number
  /** A view into `raw`. */
  readonly payload: Buffer
  readonly properties: Properties
  /**
   * The properties as on the wire (identifier, value, ...), without the length prefix and without Message Expiry
   * Interval, Topic Alias and Subscription Identifier: what a forwarder sends on. Absent when none remain.
   */
  readonly forwardProperties?: Buffer
}

export interface AcknowledgementPacket extends BasePacket {
  readonly type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'
  readonly packetId: number
  readonly reason: number
  readonly properties: Properties
}

export interface SubscriptionRequest {
  readonly filter: string
  readonly qos: QoS
  /** The rest is MQTT 5; false and 0 before. */
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

export interface SubscribePacket extends BasePacket {
  readonly type: 'subscribe'
  readonly packetId: number
  readonly subscriptions: readonly SubscriptionRequest[]
  readonly properties: Properties
}

export interface UnsubscribePacket extends BasePacket {
  readonly type: 'unsubscribe'
  readonly packetId: number
  readonly filters: readonly string[]
  readonly properties: Properties
}

export interface PingreqPacket extends BasePacket {
  readonly type: 'pingreq'
}

export interface DisconnectPacket extends BasePacket {
  readonly type: 'disconnect'
  /** 0 in 3.1 and 3.1.1. */
  readonly reason: number
  readonly properties: Properties
}

export interface AuthPacket extends BasePacket {
  readonly type: 'auth'
  readonly reason: number
  readonly properties: Properties
}

export type Packet =
  | ConnectPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | UnsubscribePacket
  | PingreqPacket
  | DisconnectPacket
  | AuthPacket

/** Reason codes (MQTT 5 section 2.4) that the server sends. */
export const Reason = {
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const
