/** Property identifiers and their data types (MQTT 5 section 2.2.2.2, table 2-4). */

export const PropertyId = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionIdentifier: 0x0b,
  sessionExpiryInterval: 0x11,
  assignedClientIdentifier: 0x12,
  serverKeepAlive: 0x13,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelayInterval: 0x18,
  requestResponseInformation: 0x19,
  responseInformation: 0x1a,
  serverReference: 0x1c,
  reasonString: 0x1f,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  maximumQos: 0x24,
  retainAvailable: 0x25,
  userProperty: 0x26,
  maximumPacketSize: 0x27,
  wildcardSubscriptionAvailable: 0x28,
  subscriptionIdentifiersAvailable: 0x29,
  sharedSubscriptionAvailable: 0x2a,
} as const

export type DataType =
  | 'byte'
  | 'twoByteInteger'
  | 'fourByteInteger'
  | 'variableByteInteger'
  | 'text'
  | 'binary'
  | 'textPair'

const P = PropertyId

const IDS_BY_TYPE: Record<DataType, readonly number[]> = {
  byte: [
    P.payloadFormatIndicator,
    P.requestProblemInformation,
    P.requestResponseInformation,
    P.maximumQos,
    P.retainAvailable,
    P.wildcardSubscriptionAvailable,
    P.subscriptionIdentifiersAvailable,
    P.sharedSubscriptionAvailable,
  ],
  twoByteInteger: [P.serverKeepAlive, P.receiveMaximum, P.topicAliasMaximum, P.topicAlias],
  fourByteInteger: [P.messageExpiryInterval, P.sessionExpiryInterval, P.willDelayInterval, P.maximumPacketSize],
  variableByteInteger: [P.subscriptionIdentifier],
  text: [
    P.contentType,
    P.responseTopic,
    P.assignedClientIdentifier,
    P.authenticationMethod,
    P.responseInformation,
    P.serverReference,
    P.reasonString,
  ],
  binary: [P.correlationData, P.authenticationData],
  textPair: [P.userProperty],
}

/** The type by identifier; undefined for one that MQTT 5 does not know. */
export const PROPERTY_TYPES: readonly (DataType | undefined)[] = Object.freeze(typesById())

function typesById(): (DataType | undefined)[] {
  const types: (DataType | undefined)[] = new Array(0x2b).fill(undefined)
  for (const [type, ids] of Object.entries(IDS_BY_TYPE) as [DataType, readonly number[]][]) {
    for (const id of ids) types[id] = type
  }
  return types
}
