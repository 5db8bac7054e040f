/** Publish to delivery over MQTT: the peak, its cost, and the latency at half of it. */
import type { Target } from '../contenders/index.ts'
import type { Device } from '../load/device.ts'
import { Ledger } from '../load/ledger.ts'
import { type PublishTemplate, publishTemplate } from '../load/packets.ts'
import { type Publishing, publishAtPeak, publishAtRate } from '../load/publishing.ts'
import { percentile } from '../run/statistics.ts'
import { connectDevices, connectPublishers, deliver, settle, spentOn } from './steps.ts'
import type { Figure, Work, WorkContext } from './work.ts'

const PRIVATE_DEVICES = 20
const PUBLISHERS = 4
/** Published and not yet with everybody. */
const PRIVATE_UNDELIVERED = 256
const BROADCAST_UNDELIVERED = 16
const PACED_SECONDS = 3

const FIGURES: readonly Figure[] = [
  { name: 'cpu', unit: 'us', compared: true, about: 'user and system time of all server processes and Redis, each' },
  { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
  { name: 'throughput', unit: '/s', compared: true, about: 'deliveries a second at the peak (a closed loop)' },
  { name: 'p50', unit: 'ms', about: 'from the publisher’s write to the arrival at the device, at half of that rate' },
  { name: 'p99', unit: 'ms', about: 'the same' },
  { name: 'p99.9', unit: 'ms', about: 'the same' },
  { name: 'generator', unit: 'us', about: 'CPU of the load generator, which shares the machine, each' },
]

interface Load {
  readonly devices: readonly Device[]
  readonly toAll: boolean
  readonly templates: readonly PublishTemplate[]
  readonly undelivered: number
}

async function measure(context: WorkContext, load: Load, messages: number): Promise<void> {
  const { target, record } = context
  const publishers = await connectPublishers(target, PUBLISHERS)
  const { devices, toAll, templates, undelivered } = load
  const publishing = (count: number, timed = false): Publishing => {
    const ledger = new Ledger({ messages: count, devices: devices.length, toAll, timed })
    for (const publisher of publishers) publisher.onLost = (error) => ledger.fail(error)
    return { publishers, ledger, templates }
  }
  const atPeak = async (count: number): Promise<number> => {
    const peak = publishing(count)
    const spent = await spentOn(target, () => deliver(devices, peak.ledger, () => publishAtPeak(peak, undelivered)))
    peak.ledger.check()
    const each = peak.ledger.expected
    const rate = (each / spent.wall) * 1_000
    record('cpu', spent.server / each)
    if (target.redis !== undefined) record('redis cpu', spent.redis / each)
    record('throughput', rate)
    record('generator', spent.generator / each)
    return rate / (each / count)
  }

  const warmUp = publishing(messages)
  await deliver(devices, warmUp.ledger, () => publishAtPeak(warmUp, undelivered))
  await settle()
  const rate = (await atPeak(messages)) / 2
  const paced = publishing(Math.max(10, Math.min(messages, Math.ceil(rate * PACED_SECONDS))), true)
  await deliver(devices, paced.ledger, () => publishAtRate(paced, rate))
  await settle()
  paced.ledger.check()
  const latencies = paced.ledger.latencies.toSorted()
  record('p50', percentile(latencies, 0.5))
  record('p99', percentile(latencies, 0.99))
  record('p99.9', percentile(latencies, 0.999))
  for (const connection of [...publishers, ...devices]) await connection.end()
}

function broadcastTemplates({ broadcastTopic }: Target): PublishTemplate[] {
  return [publishTemplate(broadcastTopic)]
}

export const privatePublish: Work = {
  name: 'private',
  title: 'Private publish over MQTT',
  figures: FIGURES,
  fits: () => true,
  about: ({ messages }) =>
    `${PUBLISHERS} publisher connections, each with a window of 64 unacknowledged messages, send ${messages} messages in turn to ${PRIVATE_DEVICES} connected devices; at most ${PRIVATE_UNDELIVERED} are on their way. Figures are for one message.`,
  async run(context) {
    const devices = await connectDevices(context.target, PRIVATE_DEVICES)
    const templates = devices.map(({ identity }) => publishTemplate(identity.privateTopic))
    const load = { devices, toAll: false, templates, undelivered: PRIVATE_UNDELIVERED }
    await measure(context, load, context.sizes.messages)
  },
}

export const broadcast: Work = {
  name: 'broadcast',
  title: 'Broadcast to connected devices',
  figures: FIGURES,
  fits: () => true,
  about: ({ messages, broadcastDevices }) =>
    `${PUBLISHERS} publisher connections send ${broadcastsOf(messages, broadcastDevices)} broadcasts to ${broadcastDevices} connected devices; at most ${BROADCAST_UNDELIVERED} are on their way. Figures are for one delivery.`,
  async run(context) {
    const { messages, broadcastDevices } = context.sizes
    const devices = await connectDevices(context.target, broadcastDevices)
    const templates = broadcastTemplates(context.target)
    const load = { devices, toAll: true, templates, undelivered: BROADCAST_UNDELIVERED }
    await measure(context, load, broadcastsOf(messages, broadcastDevices))
  },
}

/** As many deliveries as `messages` private ones, and four times as many: one costs less. */
function broadcastsOf(messages: number, devices: number): number {
  return Math.max(8, Math.ceil((4 * messages) / devices))
}
