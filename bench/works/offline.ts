/** What a broadcast costs when nobody is there: the more devices are known, the more? */
import type { Target } from '../contenders/index.ts'
import { Device } from '../load/device.ts'
import { Ledger } from '../load/ledger.ts'
import { publishTemplate } from '../load/packets.ts'
import { publishStored } from '../load/publishing.ts'
import { boardAndSubscribe, connectPublishers, forEach, spentOn, untilQuiet } from './steps.ts'
import type { Work } from './work.ts'

/** Beyond this a broadcast of those that write for each device takes minutes. */
const MOST_FOR_OTHERS = 10_000
const AT_ONCE = 1_000
const BROADCASTS = 2_000
/** CPU to spend on one figure, us. */
const BUDGET_US = 2_000_000

/** Devices that were here, subscribed, and went without a word. */
export async function addOffline(target: Target, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += AT_ONCE) {
    const identities = await target.identities(first, Math.min(AT_ONCE, to - first))
    const devices = identities.map((identity, place) => new Device(target.mqttPort, first + place, identity))
    await forEach(devices, boardAndSubscribe)
    for (const device of devices) device.cut()
  }
  await untilQuiet(target)
}

export const offline: Work = {
  name: 'offline',
  title: 'Broadcast to devices that are offline',
  rounds: 1,
  figures: [
    { name: 'cpu', unit: 'us', compared: true, about: 'all server processes and Redis, for one broadcast' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
  ],
  about: () =>
    `Devices connect, subscribe and lose their connection; then broadcasts are published, and the CPU is read when the servers have come to rest. The others are measured up to ${MOST_FOR_OTHERS} devices.`,
  fits: () => true,
  async run({ target, contender, sizes, record }) {
    const publishers = await connectPublishers(target, 1)
    const templates = [publishTemplate(target.broadcastTopic)]
    let known = 0
    for (const count of sizes.known) {
      if (!contender.ours && count > MOST_FOR_OTHERS) continue
      await addOffline(target, known, count)
      known = count
      const ledger = new Ledger({ messages: BROADCASTS + 1, devices: 1, toAll: true, later: true })
      const publish = (from: number, to: number) => publishStored({ publishers, ledger, templates }, from, to)
      const rest = () => untilQuiet(target)
      const first = await spentOn(target, () => publish(0, 1), rest)
      // Those that write for every device get few, those that do not get many: ticks of the kernel are coarse.
      const affordable = Math.floor(BUDGET_US / Math.max(1, first.server))
      const broadcasts = Math.min(BROADCASTS, Math.max(2, affordable))
      const spent = await spentOn(target, () => publish(1, broadcasts + 1), rest)
      const inCase = `${count} devices`
      record('cpu', spent.server / broadcasts, inCase)
      if (target.redis !== undefined) record('redis cpu', spent.redis / broadcasts, inCase)
    }
    for (const publisher of publishers) await publisher.end()
  },
}
