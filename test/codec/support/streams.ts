/** Streams of valid packets, as mqtt-packet writes them. */
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import type { ProtocolLevel } from '../../../broker/codec/packets.ts'

export type Generated = mqttPacket.Packet

/** Text that is allowed in names. */
const letters = fc.constantFrom(...'aZ09 .-_$%äß€語🦊')
const name = fc.string({ unit: letters, minLength: 1, maxLength: 12 })
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => value.replaceAll('\0', ''))
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value))
const packetId = fc.integer({ min: 1, max: 0xffff })
const byte = fc.boolean()
const two = fc.integer({ min: 1, max: 0xffff })
const four = fc.integer({ min: 1, max: 0xffffffff })
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
const topic = fc.array(name, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(name, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))
const userProperties = fc.dictionary(
  name.filter((key) => key !== '__proto__'),
  text,
  { minKeys: 1, maxKeys: 3 },
)

function some<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(model, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>
}

const messageModel = {
  payloadFormatIndicator: byte,
  messageExpiryInterval: four,
  contentType: text,
  responseTopic: topic,
  correlationData: bytes,
  userProperties,
}
const messageProperties = some(messageModel)
const willProperties = some({ ...messageModel, willDelayInterval: four })
const acknowledgementProperties = some({ reasonString: text, userProperties })
const connectProperties = some({
  sessionExpiryInterval: four,
  receiveMaximum: two,
  maximumPacketSize: four,
  topicAliasMaximum: two,
  requestResponseInformation: byte,
  requestProblemInformation: byte,
  userProperties,
  authenticationMethod: name,
})

/** `properties` only in MQTT 5, and only when there are any. */
function withProperties(level: ProtocolLevel, properties: object): object {
  return level === 5 && Object.keys(properties).length > 0 ? { properties } : {}
}

export function connects(level: ProtocolLevel): fc.Arbitrary<Generated> {
  const will = fc.record({ topic, payload: bytes, qos, retain: fc.boolean(), properties: willProperties })
  const credentials = fc.record({ username: name, password: fc.option(bytes, { nil: undefined }) })
  return fc
    .record({
      clientId: name,
      clean: fc.boolean(),
      keepalive: fc.nat(0xffff),
      properties: connectProperties,
      will: fc.option(will, { nil: undefined }),
      credentials: fc.option(credentials, { nil: undefined }),
    })
    .map(
      ({ clientId, clean, keepalive, properties, will, credentials }) =>
        ({
          cmd: 'connect',
          protocolId: level === 3 ? 'MQIsdp' : 'MQTT',
          protocolVersion: level,
          clientId,
          clean,
          keepalive,
          ...withProperties(level, properties),
          ...(will === undefined
            ? {}
            : { will: { ...will, properties: undefined, ...withProperties(level, will.properties) } }),
          ...(credentials === undefined ? {} : { username: credentials.username }),
          ...(credentials?.password === undefined ? {} : { password: credentials.password }),
        }) as unknown as Generated,
    )
}

function publishes(level: ProtocolLevel): fc.Arbitrary<Generated> {
  const alias = fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined })
  return fc
    .record({
      topic,
      payload: bytes,
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      messageId: packetId,
      properties: messageProperties,
      alias,
    })
    .map(({ qos, dup, messageId, properties, alias, ...rest }) => {
      const all = alias === undefined ? properties : { ...properties, topicAlias: alias }
      return {
        cmd: 'publish',
        ...rest,
        qos,
        dup: qos > 0 && dup,
        ...(qos > 0 ? { messageId } : {}),
        ...withProperties(level, all),
      } as Generated
    })
}

function acknowledgements(level: ProtocolLevel): fc.Arbitrary<Generated> {
  const ofPublish = fc.record({
    cmd: fc.constantFrom('puback', 'pubrec'),
    reasonCode: fc.constantFrom(0x00, 0x10, 0x80, 0x99),
  })
  const ofRelease = fc.record({ cmd: fc.constantFrom('pubrel', 'pubcomp'), reasonCode: fc.constantFrom(0x00, 0x92) })
  return fc
    .record({ kind: fc.oneof(ofPublish, ofRelease), messageId: packetId, properties: acknowledgementProperties })
    .map(({ kind, messageId, properties }) => {
      const extra = level === 5 ? { reasonCode: kind.reasonCode, ...withProperties(level, properties) } : {}
      return { cmd: kind.cmd, messageId, ...extra } as Generated
    })
}

function subscribes(level: ProtocolLevel): fc.Arbitrary<Generated> {
  const options5 = { nl: fc.boolean(), rap: fc.boolean(), rh: fc.constantFrom(0, 1, 2) }
  const subscription = fc.record({ topic: filter, qos, ...(level === 5 ? options5 : {}) })
  const properties = some({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }), userProperties })
  return fc
    .record({ messageId: packetId, subscriptions: fc.array(subscription, { minLength: 1, maxLength: 4 }), properties })
    .map(({ messageId, subscriptions, properties }) => {
      return {
        cmd: 'subscribe',
        messageId,
        subscriptions,
        ...withProperties(level, properties),
      } as unknown as Generated
    })
}

function unsubscribes(level: ProtocolLevel): fc.Arbitrary<Generated> {
  return fc
    .record({
      messageId: packetId,
      unsubscriptions: fc.array(filter, { minLength: 1, maxLength: 4 }),
      properties: some({ userProperties }),
    })
    .map(
      ({ properties, ...rest }) => ({ cmd: 'unsubscribe', ...rest, ...withProperties(level, properties) }) as Generated,
    )
}

/** Any packet that may come after CONNECT and does not end the connection. */
export function packets(level: ProtocolLevel): fc.Arbitrary<Generated> {
  const pingreq = fc.constant({ cmd: 'pingreq' } as Generated)
  return fc.oneof(publishes(level), acknowledgements(level), subscribes(level), unsubscribes(level), pingreq)
}

export function disconnects(level: ProtocolLevel): fc.Arbitrary<Generated> {
  if (level !== 5) return fc.constant({ cmd: 'disconnect' } as Generated)
  return fc
    .record({ reasonCode: fc.constantFrom(0x00, 0x04, 0x81, 0x99), properties: acknowledgementProperties })
    .map(
      ({ reasonCode, properties }) =>
        ({ cmd: 'disconnect', reasonCode, ...withProperties(level, properties) }) as Generated,
    )
}

export const levels = fc.constantFrom<ProtocolLevel>(3, 4, 5)

export interface Stream {
  readonly level: ProtocolLevel
  readonly packets: readonly Generated[]
}

/** CONNECT, then up to a dozen packets, then perhaps DISCONNECT. */
export const streams: fc.Arbitrary<Stream> = levels.chain((level) =>
  fc
    .tuple(connects(level), fc.array(packets(level), { maxLength: 12 }), fc.array(disconnects(level), { maxLength: 1 }))
    .map(([connect, middle, end]) => ({ level, packets: [connect, ...middle, ...end] })),
)

export function written(packet: Generated, level: ProtocolLevel): Buffer {
  return mqttPacket.generate(packet, { protocolVersion: level })
}
