/** Devices publish to a provider: the same shapes as a private publish, in the other direction. */
import { APP } from '../contenders/contender.ts'
import { Device } from '../load/device.ts'
import { Ledger } from '../load/ledger.ts'
import { publishTemplate } from '../load/packets.ts'
import { Publisher } from '../load/publisher.ts'
import { type Publishing, publishAtPeak } from '../load/publishing.ts'
import { deliver, settle, spentOn } from './steps.ts'
import type { Work } from './work.ts'

const DEVICES = 4
/** Published and not yet with the provider; the last of them in batches. */
const UNDER_WAY = [256, 64, 1] as const
/** One under way takes longer: so much fewer. */
const FEWER = 8
const UPSTREAM = `${APP}/u/`

export const upstream: Work = {
  name: 'upstream',
  title: 'Publish upstream',
  figures: [
    { name: 'cpu', unit: 'us', compared: true, about: 'user and system time of all server processes and Redis, each' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'throughput', unit: '/s', compared: true, about: 'deliveries a second at the peak (a closed loop)' },
  ],
  fits: () => true,
  about: ({ messages }) =>
    `${DEVICES} connected devices, each with a window of 64 unacknowledged messages, publish up to ${messages} messages to one provider with a session that is kept. Figures are for one message.`,
  async run({ target, record, sizes, wants }) {
    const provider = new Device(target.mqttPort, 0, {
      clientId: 'reader',
      ...target.provider,
      privateTopic: '',
      broadcastTopic: '',
    })
    await provider.board()
    await provider.subscribe([`${UPSTREAM}#`])
    const identities = await target.identities(0, DEVICES)
    const publishers: Publisher[] = []
    for (const identity of identities) {
      const publisher = new Publisher(target.mqttPort)
      await publisher.connect(identity, true)
      publisher.template = publishTemplate(`${identity.privateTopic.replace('/t/', '/u/')}/x`)
      publishers.push(publisher)
    }
    for (const underWay of UNDER_WAY) {
      const inCase = `${underWay} under way`
      if (!wants(inCase)) continue
      const messages = Math.ceil(sizes.messages / (underWay === 1 ? FEWER : 1))
      const run = async (): Promise<Ledger> => {
        const ledger = new Ledger({ messages, devices: 1, toAll: true })
        for (const publisher of publishers) publisher.onLost = (error) => ledger.fail(error)
        const publishing: Publishing = { publishers, ledger, templates: [] }
        await deliver([provider], ledger, () => publishAtPeak(publishing, underWay, underWay === UNDER_WAY[0]))
        return ledger
      }
      await run()
      await settle()
      let ledger: Ledger | undefined
      const spent = await spentOn(target, async () => void (ledger = await run()))
      ledger?.check()
      record('cpu', spent.server / messages, inCase)
      if (target.redis !== undefined) record('redis cpu', spent.redis / messages, inCase)
      record('throughput', (messages / spent.wall) * 1_000, inCase)
    }
    for (const connection of [provider, ...publishers]) await connection.end()
  },
}
