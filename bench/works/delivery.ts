/** Publish to delivery over MQTT: the peak, its cost, and the latency at half of it. */
import type { Device } from '../load/device.ts'
import { Ledger } from '../load/ledger.ts'
import { type PublishTemplate, publishTemplate } from '../load/packets.ts'
import type { Publisher } from '../load/publisher.ts'
import { type Publishing, publishAtPeak, publishAtRate } from '../load/publishing.ts'
import { percentile } from '../run/statistics.ts'
import { connectDevices, connectPublishers, deliver, settle, spentOn } from './steps.ts'
import type { Figure, Work, WorkContext } from './work.ts'

const PUBLISHERS = 4
const PACED_SECONDS = 3

interface Shape {
  /** Published and not yet with everybody. */
  readonly underWay: number
  readonly devices: number
  /** Of the messages of a run: few under way take longer each. */
  readonly share: number
  /** Publishers wait until they have room for many, as a provider with much to send does. */
  readonly inBatches?: boolean
  /** Latencies are measured as well. */
  readonly timed?: boolean
  /** The one contender that it is for; all when not given. */
  readonly only?: string
}

/**
 * Who batches is flattered by many under way, who does not by few: both count. Many come first: a server is warm then, for which
 * so few messages as there are with one under way would not do.
 */
const PRIVATE_SHAPES: readonly Shape[] = [
  { underWay: 256, devices: 20, share: 1, inBatches: true, timed: true },
  { underWay: 64, devices: 100, share: 1, timed: true },
  { underWay: 16, devices: 100, share: 1 / 2 },
  { underWay: 1, devices: 100, share: 1 / 8 },
]
/** What each of two workers has of them: 8, 32 and 128 under way. One process with as many is the floor of the two. */
const HALF_SHAPES: readonly Shape[] = PRIVATE_SHAPES.filter(({ underWay }) => underWay > 1).map((shape) => ({
  ...shape,
  underWay: shape.underWay / 2,
  timed: false,
  only: 'ours-redis',
}))
const FEW_DEVICES = 200
const broadcastShapes = (devices: number): readonly Shape[] => [
  { underWay: 1, devices: Math.min(FEW_DEVICES, devices), share: 1, timed: true },
  { underWay: 16, devices, share: 1, inBatches: true, timed: true },
]
const nameOf = ({ underWay, devices }: Shape): string => `${underWay} under way, ${devices} devices`

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
  readonly publishers: readonly Publisher[]
  readonly devices: readonly Device[]
  readonly toAll: boolean
  readonly templates: readonly PublishTemplate[]
  readonly shape: Shape
}

async function measure({ target, record }: WorkContext, load: Load, messages: number): Promise<void> {
  const { publishers, devices, toAll, templates, shape } = load
  const inCase = nameOf(shape)
  const publishing = (count: number, timed = false): Publishing => {
    const ledger = new Ledger({ messages: count, devices: devices.length, toAll, timed })
    for (const publisher of publishers) publisher.onLost = (error) => ledger.fail(error)
    return { publishers, ledger, templates }
  }
  const fill = (each: Publishing) =>
    deliver(devices, each.ledger, () => publishAtPeak(each, shape.underWay, shape.inBatches))
  const warmUp = publishing(messages)
  await fill(warmUp)
  await settle()
  const peak = publishing(messages)
  const spent = await spentOn(target, () => fill(peak))
  peak.ledger.check()
  const each = peak.ledger.expected
  record('cpu', spent.server / each, inCase)
  if (target.redis !== undefined) record('redis cpu', spent.redis / each, inCase)
  record('throughput', (each / spent.wall) * 1_000, inCase)
  record('generator', spent.generator / each, inCase)
  if (shape.timed !== true) return
  const rate = (messages / spent.wall) * 500
  const paced = publishing(Math.max(10, Math.min(messages, Math.ceil(rate * PACED_SECONDS))), true)
  await deliver(devices, paced.ledger, () => publishAtRate(paced, rate))
  await settle()
  paced.ledger.check()
  const latencies = paced.ledger.latencies.toSorted()
  for (const [figure, part] of [
    ['p50', 0.5],
    ['p99', 0.99],
    ['p99.9', 0.999],
  ] as const)
    record(figure, percentile(latencies, part), inCase)
}

/** All shapes on one server, with the devices that the largest of them needs. */
async function measureAll(
  context: WorkContext,
  shapes: readonly Shape[],
  toAll: boolean,
  messagesOf: (shape: Shape) => number,
): Promise<void> {
  const { target, contender } = context
  const publishers = await connectPublishers(target, PUBLISHERS)
  const connected: Device[] = []
  const fitting = shapes.filter(({ only = contender.name }) => only === contender.name)
  for (const shape of fitting.filter((each) => context.wants(nameOf(each)))) {
    // A broadcast reaches all who are connected, and a private message costs more where many are.
    const missing = shape.devices - connected.length
    if (missing > 0) connected.push(...(await connectDevices(target, missing, connected.length)))
    const devices = connected.slice(0, shape.devices)
    const templates = toAll
      ? [publishTemplate(target.broadcastTopic)]
      : devices.map(({ identity }) => publishTemplate(identity.privateTopic))
    await measure(context, { publishers, devices, toAll, templates, shape }, Math.max(8, Math.ceil(messagesOf(shape))))
  }
  for (const connection of [...publishers, ...connected]) await connection.end()
}

export const privatePublish: Work = {
  name: 'private',
  title: 'Private publish over MQTT',
  figures: FIGURES,
  fits: () => true,
  about: ({ messages }) =>
    `${PUBLISHERS} publisher connections, each with a window of 64 unacknowledged messages, send up to ${messages} messages in turn to connected devices. With 256 under way, and 128, they send in batches; with fewer they send each as soon as another one has arrived. Cases with 8, 32 and 128 under way are what each of two workers has of 16, 64 and 256, so only \`ours-redis\` runs them. Figures are for one message.`,
  run: (context) =>
    measureAll(context, [...PRIVATE_SHAPES, ...HALF_SHAPES], false, ({ share }) => context.sizes.messages * share),
}

export const broadcast: Work = {
  name: 'broadcast',
  title: 'Broadcast to connected devices',
  figures: FIGURES,
  fits: () => true,
  about: ({ messages }) =>
    `${PUBLISHERS} publisher connections send broadcasts, ${4 * messages} deliveries of each shape. Figures are for one delivery.`,
  run: (context) =>
    // Four times as many deliveries as of private messages: one costs less.
    measureAll(
      context,
      broadcastShapes(context.sizes.broadcastDevices),
      true,
      ({ share, devices }) => (4 * context.sizes.messages * share) / devices,
    ),
}
