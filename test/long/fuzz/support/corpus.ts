/** What the fuzzer starts from: well-formed packets of each protocol level, also such as the server really serves. */
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import type { ProtocolLevel } from '../../../../broker/codec/packets.ts'
import { connects, disconnects, type Generated, packets } from '../../../codec/support/streams.ts'

/** Who sends it. */
export type Sender = 'device' | 'provider' | 'nobody'

export interface Corpus {
  readonly connects: readonly Buffer[]
  readonly packets: readonly Buffer[]
}

export interface Names {
  readonly app: string
  readonly tokenId: string
  readonly privateTopic: string
}

const SAMPLES = 400

export function createCorpus(level: ProtocolLevel, sender: Sender, names: Names, seed: number): Corpus {
  const write = (packet: Generated) => mqttPacket.generate(allowed(packet, sender, names), { protocolVersion: level })
  // A device that answers a QoS 2 message that nobody sent is disconnected: then the rest of a script is not read.
  const isHarmless = ({ cmd }: Generated) => sender !== 'device' || (cmd !== 'pubrec' && cmd !== 'pubcomp')
  const sample = (arbitrary: fc.Arbitrary<Generated>, numRuns: number) =>
    fc.sample(arbitrary, { numRuns, seed }).filter(isHarmless).map(write)
  const served = servedPackets(level, sender, names).filter(isHarmless).map(write)
  return {
    connects: sample(connects(level), 100),
    packets: [
      ...sample(packets(level), SAMPLES),
      ...sample(disconnects(level), SAMPLES / 50),
      ...Array.from({ length: SAMPLES / 4 / served.length }, () => served).flat(),
    ],
  }
}

/** The server closes for a PUBLISH to a foreign topic before MQTT 5: then it reads nothing more. */
function allowed(packet: Generated, sender: Sender, { app, tokenId, privateTopic }: Names): Generated {
  if (packet.cmd !== 'publish') return packet
  const topic = sender === 'device' ? `${app}/u/${tokenId}/${packet.topic}` : privateTopic
  return { ...packet, topic }
}

/** On the topics that a device or a provider may use. */
function servedPackets(level: ProtocolLevel, sender: Sender, names: Names): Generated[] {
  const { app, tokenId, privateTopic } = names
  const properties = { messageExpiryInterval: 60, contentType: 'text/plain', userProperties: { id: 'fuzz', n: '1' } }
  const extra = level === 5 ? { properties } : {}
  const publish = (topic: string, qos: 0 | 1 | 2, messageId: number, retain = false) => ({
    cmd: 'publish' as const,
    topic,
    qos,
    retain,
    dup: false,
    payload: Buffer.from('fuzz'),
    ...(qos > 0 ? { messageId } : {}),
    ...extra,
  })
  const options = { qos: 1 as const, ...(level === 5 ? { nl: false, rap: true, rh: 0 } : {}) }
  const topics = [privateTopic, `${app}/1.0`, `${app}/u/#`]
  const mayPublish = sender === 'device' ? [`${app}/u/${tokenId}/x`] : [privateTopic, `${app}/1.0`]
  const all = [
    { cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, ...options })) },
    { cmd: 'unsubscribe', messageId: 2, unsubscriptions: topics },
    ...mayPublish.flatMap((topic, index) => [
      publish(topic, 0, 0),
      publish(topic, 1, 11 + 10 * index),
      publish(topic, 2, 12 + 10 * index),
      publish(topic, 1, 13 + 10 * index, true),
    ]),
    ...[12, 22].map((messageId) => ({ cmd: 'pubrel', messageId })),
    ...[1, 2, 3, 4, 5].map((messageId) => ({ cmd: 'puback', messageId })),
    { cmd: 'pubrec', messageId: 1 },
    { cmd: 'pubcomp', messageId: 1 },
    { cmd: 'pingreq' },
  ]
  return all as Generated[]
}
