/** General topics, as users of an ordinary broker have them: one to one and one to many, with clean and kept sessions. */
import { Device, type Identity } from '../load/device.ts'
import { Ledger } from '../load/ledger.ts'
import { publishTemplate } from '../load/packets.ts'
import { Publisher } from '../load/publisher.ts'
import { type Publishing, publishAtPeak } from '../load/publishing.ts'
import { deliver, forEach, settle, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

const SUBSCRIBERS = 20
const PUBLISHERS = 4
/** Published and not yet with everybody: many, which make the server warm, and few. */
const UNDER_WAY = { pair: [64, 1], 'fan-out': [16, 1] } as const
/** One under way takes longer: so much fewer. */
const FEWER = { pair: 8, 'fan-out': 2 } as const
const KINDS = ['clean', 'kept'] as const
const SHAPES = ['pair', 'fan-out'] as const

interface Shape {
  readonly shape: (typeof SHAPES)[number]
  readonly kind: (typeof KINDS)[number]
}

export const general: Work = {
  name: 'general',
  title: 'General topics',
  figures: [
    {
      name: 'cpu',
      unit: 'us',
      compared: true,
      about: 'user and system time of all server processes and Redis, a delivery',
    },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'throughput', unit: '/s', compared: true, about: 'deliveries a second at the peak (a closed loop)' },
  ],
  fits: () => true,
  about: ({ messages }) =>
    `${PUBLISHERS} users publish with QoS 1 to ${SUBSCRIBERS} others. *pair*: up to ${messages} messages, each on a topic that one of them subscribed to. *fan-out*: up to ${Math.ceil((2 * messages) / SUBSCRIBERS)} messages on a topic that all subscribed to. *clean*: sessions that end with their connections; *kept*: sessions that outlive them.`,
  async run(context) {
    for (const kind of KINDS) for (const shape of SHAPES) await measure(context, { kind, shape })
  },
}

const topicOf = (shape: Shape['shape'], index: number): string =>
  shape === 'pair' ? `home/room-${index}/light` : 'home/all/light'

async function measure({ target, record, sizes, wants }: WorkContext, { kind, shape }: Shape): Promise<void> {
  const devices = Array.from({ length: SUBSCRIBERS }, (_, index) => {
    const identity: Identity = {
      clientId: `${kind}-${shape}-${index}`,
      ...target.user,
      privateTopic: topicOf(shape, index),
      broadcastTopic: '',
    }
    return new Device(target.mqttPort, index, identity)
  })
  await forEach(devices, async (device) => {
    await device.connect(device.identity, kind === 'clean')
    await device.subscribe([device.identity.privateTopic])
  })
  const publishers: Publisher[] = []
  for (let index = 0; index < PUBLISHERS; index += 1) {
    const publisher = new Publisher(target.mqttPort)
    await publisher.connect({ clientId: `${kind}-${shape}-p${index}`, ...target.user }, true)
    publishers.push(publisher)
  }
  const toAll = shape === 'fan-out'
  const templates = toAll
    ? [publishTemplate(topicOf(shape, 0))]
    : devices.map(({ identity }) => publishTemplate(identity.privateTopic))
  for (const underWay of UNDER_WAY[shape]) {
    const inCase = `${kind}, ${shape}, ${underWay} under way`
    if (!wants(inCase)) continue
    const most = toAll ? (2 * sizes.messages) / SUBSCRIBERS : sizes.messages
    const messages = Math.ceil(most / (underWay === 1 ? FEWER[shape] : 1))
    const publishing = (): Publishing => {
      const ledger = new Ledger({ messages, devices: devices.length, toAll })
      for (const publisher of publishers) publisher.onLost = (error) => ledger.fail(error)
      return { publishers, ledger, templates }
    }
    const run = (each: Publishing) => deliver(devices, each.ledger, () => publishAtPeak(each, underWay))
    await run(publishing())
    await settle()
    const peak = publishing()
    const spent = await spentOn(target, () => run(peak))
    peak.ledger.check()
    record('cpu', spent.server / peak.ledger.expected, inCase)
    if (target.redis !== undefined) record('redis cpu', spent.redis / peak.ledger.expected, inCase)
    record('throughput', (peak.ledger.expected / spent.wall) * 1_000, inCase)
  }
  for (const connection of [...publishers, ...devices]) await connection.end()
}
