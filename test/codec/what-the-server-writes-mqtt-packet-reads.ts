// Does mqtt-packet, which most Node clients use, read every packet that the encoder writes with the meaning it had?
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { t } from '../support/tap.ts'
import {
  encodeConnack,
  encodeDisconnect,
  encodeProperties,
  encodePuback,
  encodePubcomp,
  encodePublish,
  encodePubrec,
  encodePubrel,
  encodeSuback,
  encodeUnsuback,
  PINGRESP,
  withPacketId,
} from '../../broker/codec/encoder.ts'
import type { ProtocolLevel } from '../../broker/codec/packets.ts'
import { levels } from './support/streams.ts'

/** The packets that mqtt-packet finds; throws what it complains about. */
function read(level: ProtocolLevel, ...packets: Buffer[]): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = []
  const parser = mqttPacket.parser({ protocolVersion: level })
  parser.on('packet', (packet: unknown) => found.push({ ...(packet as object) }))
  parser.on('error', (error: unknown) => {
    throw error
  })
  for (const packet of packets) parser.parse(packet)
  return found
}

const packetIds = fc.integer({ min: 1, max: 0xffff })
const topics = fc.string({ unit: fc.constantFrom(...'ab/_$ßé🦊'), minLength: 1, maxLength: 80 })

t.test('PUBLISH', async (t) => {
  const publishes = fc.record({
    level: levels,
    topic: topics,
    payload: fc.uint8Array({ maxLength: 300 }),
    qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetId: packetIds,
  })
  fc.assert(
    fc.property(publishes, packetIds, fc.boolean(), (publish, other, otherDup) => {
      const properties = encodeProperties({ messageExpiryInterval: 7, subscriptionIdentifiers: [1, 300] })
      const bytes = encodePublish({ ...publish, properties })
      const copies = publish.qos === 0 ? [] : [withPacketId(bytes, other, otherDup)]
      const [first, ...rest] = read(publish.level, bytes, ...copies)
      const expected = {
        cmd: 'publish',
        topic: publish.topic,
        payload: Buffer.from(publish.payload),
        qos: publish.qos,
        retain: publish.retain,
      }
      const numbered = (messageId: number, dup: boolean) => (publish.qos === 0 ? { dup: false } : { dup, messageId })
      fits(first, { ...expected, ...numbered(publish.packetId, publish.dup) })
      for (const copy of rest) fits(copy, { ...expected, ...numbered(other, otherDup) })
      if (publish.level === 5)
        fits(first?.['properties'], { messageExpiryInterval: 7, subscriptionIdentifier: [1, 300] })
      return rest.length === copies.length
    }),
    { numRuns: 1000 },
  )
  t.pass('1000 cases')
})

/** Throws where `actual` lacks something of `expected`. */
function fits(actual: unknown, expected: Record<string, unknown>): void {
  const found = (actual ?? {}) as Record<string, unknown>
  for (const [key, value] of Object.entries(expected)) {
    if (JSON.stringify(found[key]) !== JSON.stringify(value)) throw new Error(`${key} is ${String(found[key])}`)
  }
}

t.test('CONNACK with every property', async (t) => {
  const properties = {
    sessionExpiryInterval: 100,
    receiveMaximum: 20,
    maximumQos: 1 as const,
    retainAvailable: true,
    maximumPacketSize: 4_000_000_000,
    assignedClientIdentifier: 'id-7',
    topicAliasMaximum: 10,
    reasonString: 'gut',
    userProperties: [
      ['a', '1'],
      ['ä', '🦊'],
    ] as [string, string][],
    wildcardSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: true,
    sharedSubscriptionAvailable: false,
    serverKeepAlive: 30,
    responseInformation: 'r/',
    serverReference: 'other:1883',
    authenticationMethod: 'm',
    authenticationData: Buffer.from([0, 255]),
  }
  const [packet] = read(5, encodeConnack(5, { sessionPresent: true, reason: 0, returnCode: 0, properties }))
  const { userProperties, maximumQos, ...same } = properties
  t.match(packet, { cmd: 'connack', sessionPresent: true, reasonCode: 0, properties: same })
  t.match(packet, { properties: { maximumQoS: maximumQos, userProperties: Object.fromEntries(userProperties) } })

  const long = 'x'.repeat(1000)
  const [worded] = read(
    5,
    encodeConnack(5, { sessionPresent: true, reason: 0x87, returnCode: 5, properties: { reasonString: long } }),
  )
  t.match(
    worded,
    { sessionPresent: false, reasonCode: 0x87, properties: { reasonString: long } },
    'no session with a refusal',
  )
  t.throws(() => encodeProperties({ reasonString: 'x'.repeat(65_536) }), RangeError)
})

t.test('CONNACK before MQTT 5', async (t) => {
  const connack = (level: ProtocolLevel, sessionPresent: boolean, returnCode: number) =>
    encodeConnack(level, { sessionPresent, reason: 0, returnCode, properties: { reasonString: 'left out' } }).toString(
      'hex',
    )
  t.equal(connack(4, true, 0), '20020100')
  t.equal(connack(4, true, 5), '20020005', 'no session with a refusal')
  t.equal(connack(3, true, 0), '20020000', 'MQTT 3.1 has no Session Present')
})

t.test('the other packets', async (t) => {
  for (const level of [3, 4, 5] as const) {
    const five = level === 5
    const packets = read(
      level,
      encodeSuback(level, 258, [0, 1, 2, 0x87]),
      encodeUnsuback(level, 259, [0, 0x11]),
      PINGRESP,
      encodePuback(level, 260),
      encodePubrec(level, 261, 0x97),
      encodePubrel(level, 262, 0x92, 'what?'),
      encodePubcomp(level, 263, 0, 'done'),
    )
    t.match(
      packets,
      [
        { cmd: 'suback', messageId: 258, granted: five ? [0, 1, 2, 0x87] : [0, 1, 2, 0x80] },
        { cmd: 'unsuback', messageId: 259, ...(five ? { granted: [0, 0x11] } : {}) },
        { cmd: 'pingresp' },
        { cmd: 'puback', messageId: 260 },
        { cmd: 'pubrec', messageId: 261, ...(five ? { reasonCode: 0x97 } : {}) },
        { cmd: 'pubrel', messageId: 262, ...(five ? { reasonCode: 0x92, properties: { reasonString: 'what?' } } : {}) },
        { cmd: 'pubcomp', messageId: 263, ...(five ? { properties: { reasonString: 'done' } } : {}) },
      ],
      `level ${level}`,
    )
    t.equal(packets.length, 7)
  }
  t.equal(encodePuback(5, 260).toString('hex'), '40020104', 'the short form of success')
  t.equal(encodeUnsuback(4, 259, [0]).toString('hex'), 'b0020103')
})

t.test('DISCONNECT', async (t) => {
  t.equal(encodeDisconnect(0x8e).toString('hex'), 'e0018e')
  t.match(read(5, encodeDisconnect(0x9d, 'moved', { serverReference: 'other' })), [
    { cmd: 'disconnect', reasonCode: 0x9d, properties: { reasonString: 'moved', serverReference: 'other' } },
  ])
})

t.test('sizes around each length of the remaining length', async (t) => {
  for (const size of [0, 122, 123, 124, 16_378, 16_379, 16_380, 16_381, 2_097_146, 2_097_147, 2_097_148]) {
    const payload = Buffer.alloc(size, 0x61)
    const [packet] = read(
      4,
      encodePublish({ topic: 'a', payload, qos: 1, retain: false, dup: false, packetId: 9, level: 4 }),
    )
    t.ok(packet !== undefined && payload.equals(packet['payload'] as Buffer), `${size} bytes`)
  }
  t.throws(
    () =>
      encodePublish({
        topic: 'a'.repeat(65_536),
        payload: Buffer.alloc(0),
        qos: 0,
        retain: false,
        dup: false,
        level: 4,
      }),
    RangeError,
  )
})
