// Does every valid packet that mqtt-packet writes come out of the decoder with the same meaning?
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import type { Packet, Properties } from '../../broker/codec/packets.ts'
import { connected, decode, plain, unconnected } from './support/decoding.ts'
import { connects, disconnects, type Generated, levels, packets, written } from './support/streams.ts'

/** mqtt-packet's words for what the decoder gives. */
function meant(packet: Generated): Record<string, unknown> {
  switch (packet.cmd) {
    case 'connect':
      return {
        type: 'connect',
        level: packet.protocolVersion,
        cleanStart: packet.clean,
        keepAlive: packet.keepalive,
        clientId: packet.clientId,
        username: packet.username,
        password: packet.password,
        will: packet.will && { ...packet.will, properties: propertiesMeant(packet.will.properties) },
        properties: propertiesMeant(packet.properties),
      }
    case 'publish':
      return {
        type: 'publish',
        topic: packet.topic,
        payload: packet.payload,
        qos: packet.qos,
        dup: packet.dup,
        retain: packet.retain,
        packetId: packet.messageId,
        properties: propertiesMeant(packet.properties),
      }
    case 'subscribe':
      return {
        type: 'subscribe',
        packetId: packet.messageId,
        subscriptions: packet.subscriptions.map(({ topic, qos, nl, rap, rh }) => ({
          filter: topic,
          qos,
          noLocal: nl ?? false,
          retainAsPublished: rap ?? false,
          retainHandling: rh ?? 0,
        })),
        properties: propertiesMeant(packet.properties),
      }
    case 'unsubscribe':
      return {
        type: 'unsubscribe',
        packetId: packet.messageId,
        filters: packet.unsubscriptions,
        properties: propertiesMeant(packet.properties),
      }
    case 'pingreq':
      return { type: 'pingreq' }
    case 'disconnect':
      return { type: 'disconnect', reason: packet.reasonCode ?? 0, properties: propertiesMeant(packet.properties) }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return {
        type: packet.cmd,
        packetId: packet.messageId,
        reason: packet.reasonCode ?? 0,
        properties: propertiesMeant(packet.properties),
      }
    default:
      throw new Error(`a client does not send ${packet.cmd}`)
  }
}

/** There a property that is 0 or 1 is a boolean, and user properties are an object. */
function propertiesMeant(properties: object | undefined): Record<string, unknown> {
  const entries = Object.entries(properties ?? {}).map(([key, value]: [string, unknown]): [string, unknown] => {
    if (typeof value === 'boolean') return [key, value ? 1 : 0]
    if (key === 'userProperties') return [key, Object.entries(value as object)]
    return [key, value]
  })
  return Object.fromEntries(entries)
}

/** Only what is there, with the keys in order and bytes as hex. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([key, each]) => each !== undefined && !['raw', 'bridge', 'forwardProperties'].includes(key),
  )
  return Object.fromEntries(
    entries.map(([key, each]) => [key, comparable(each)]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  )
}

function same(packet: Packet | undefined, generated: Generated, properties?: Properties): boolean {
  if (packet === undefined) return false
  const read = comparable({ ...packet, ...(properties === undefined ? {} : { properties }) }) as {
    will?: { properties?: unknown }
  }
  const meaning = comparable(meant(generated)) as { will?: { properties?: unknown } }
  // Absent before MQTT 5.
  if (read.will !== undefined) read.will.properties ??= {}
  if (read.will !== undefined) read.will = comparable(read.will) as object
  return JSON.stringify(read) === JSON.stringify(meaning)
}

t.test('CONNECT', async (t) => {
  const cases = levels.chain((level) => connects(level).map((packet) => ({ level, packet })))
  fc.assert(
    fc.property(cases, ({ level, packet }) => {
      const bytes = written(packet, level)
      const [read, ...more] = decode(unconnected(), Buffer.from(bytes))
      return more.length === 0 && same(read, packet) && read?.raw.equals(bytes) === true
    }),
    { numRuns: 500 },
  )
  t.pass('500 cases')
})

t.test('every other packet', async (t) => {
  const cases = levels.chain((level) =>
    fc.oneof({ weight: 9, arbitrary: packets(level) }, disconnects(level)).map((packet) => ({ level, packet })),
  )
  fc.assert(
    fc.property(cases, ({ level, packet }) => {
      const bytes = written(packet, level)
      const [read, ...more] = decode(connected(level), Buffer.from(bytes))
      return more.length === 0 && same(read, packet) && read?.raw.equals(bytes) === true
    }),
    { numRuns: 2000 },
  )
  t.pass('2000 cases')
})

t.test('the plain form of a packet holds all of it', async (t) => {
  const [packet] = decode(connected(4), Buffer.from('32060001610007ff', 'hex'))
  t.same(packet && plain(packet), {
    type: 'publish',
    dup: false,
    qos: 1,
    retain: false,
    topic: 'a',
    payload: 'ff',
    properties: {},
    packetId: 7,
    raw: '32060001610007ff',
  })
})
