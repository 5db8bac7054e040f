/** Drives a store with a population: the cost of each part alone, and then a day of everything mixed, which has to cost the sum. */
import { forEach } from '../load/for-each.ts'
import type { Cost, Population } from './population.ts'
import type { Rates } from './rates.ts'

/** Calls that one figure is measured with, and go before it once. */
const CALLS = 4_000
/** Of the whole store, and of one of its 256 partitions. */
const BUCKETS = 16_384
const BUCKETS_OF_A_PARTITION = 64
/** Devices that are enough to measure with: as many buckets are filled as have so many. */
const FEW = 6_000
const WARM_UP = 1_000
const MORE = 400
const LOOKS = 1_000
const BROADCASTS = 500
const MIXED_CALLS = 20_000
const PENDING_DEVICES = 4_000

export const PARTS = [
  'register',
  'visit',
  'send',
  'acknowledge',
  'acknowledge a broadcast',
  'broadcast',
  'recheck',
  'look alone',
] as const
export type Part = (typeof PARTS)[number]

export interface Measured {
  /** Devices of the whole installation, of which only a few buckets were filled. */
  readonly devices: number
  readonly costs: Readonly<Record<Part, Cost>>
  /** Of a device that is known and has a session which is kept, of a message that waits, and of a broadcast. */
  readonly bytes: { readonly device: number; readonly message: number; readonly broadcast: number }
  /** The cost of a day, mixed, beside the sum of its parts. */
  readonly mixed: { readonly measured: number; readonly summed: number }
}

const sum = ({ node, redis }: Cost): number => node + redis

/** How much of an installation of so many devices is put in place. */
interface Share {
  readonly count: number
  readonly buckets: number
}

/** Few buckets of Redis, each as full as it would be. */
export function shareOnRedis(devices: number): Share {
  const inABucket = devices / BUCKETS
  const buckets = Math.max(1, Math.min(BUCKETS_OF_A_PARTITION, Math.floor(FEW / inABucket)))
  return { count: Math.round(inABucket * buckets), buckets }
}

/** All of it. */
export function shareEmbedded(devices: number): Share {
  return { count: devices, buckets: BUCKETS_OF_A_PARTITION }
}

export async function measure(population: Population, devices: number, share: Share, rates: Rates): Promise<Measured> {
  // The first ones are slow, as code is compiled.
  await population.add(WARM_UP, BUCKETS_OF_A_PARTITION, true)
  const empty = await population.bytes()
  await population.add(share.count, share.buckets)
  const all = population.devices
  await forEach(all, (device) => population.visit(device))
  const device = ((await population.bytes()) - empty) / share.count
  // Where there are as many as there will be.
  const register = await population.measure(MORE, () => population.add(MORE, share.buckets))
  const some = Array.from({ length: CALLS }, (_, place) => all[(place * 7) % all.length]).filter(
    (one) => one !== undefined,
  )

  const twice = async (count: number, work: () => Promise<unknown>): Promise<Cost> => {
    await work()
    return population.measure(count, work)
  }
  const visit = await twice(CALLS, () => forEach(some, (one) => population.visit(one)))
  const sent = new Map<string, number>()
  const send = await twice(CALLS, () => forEach(some, async (one) => sent.set(one.tokenId, await population.send(one))))
  const acknowledge = await population.measure(sent.size, () => population.acknowledge([...sent], 'private'))
  let last = 0
  const broadcastBefore = await population.bytes()
  const numbers = Array.from({ length: BROADCASTS }, (_, number) => number)
  const broadcast = await twice(BROADCASTS, () =>
    forEach(numbers, async () => void (last = Math.max(last, await population.broadcast()))),
  )
  const broadcastBytes = ((await population.bytes()) - broadcastBefore) / (2 * BROADCASTS)
  const recheck = await twice(CALLS, () => forEach(some, (one) => population.recheck(one)))
  const lookAlone = await twice(LOOKS, async () => {
    for (const one of some.slice(0, LOOKS)) await population.look(one)
  })
  const reached = [...sent.keys()].map((tokenId) => [tokenId, last] as const)
  const acknowledgeBroadcast = await population.measure(reached.length, () =>
    population.acknowledge(reached, 'broadcast'),
  )
  const waiting = all.slice(0, PENDING_DEVICES)
  const before = await population.bytes()
  await forEach(waiting, (one) => population.send(one))
  const message = ((await population.bytes()) - before) / waiting.length
  const costs = {
    register,
    visit,
    send,
    acknowledge,
    broadcast,
    recheck,
    'look alone': lookAlone,
    'acknowledge a broadcast': acknowledgeBroadcast,
  }
  return {
    devices,
    costs,
    bytes: { device, message, broadcast: broadcastBytes },
    mixed: await mix(population, costs, rates),
  }
}

/** A day of some devices, by chance: messages that are acknowledged, visits, and a broadcast now and then that all acknowledge. */
async function mix(population: Population, costs: Measured['costs'], rates: Rates): Promise<Measured['mixed']> {
  const { messages, visits, broadcasts } = rates
  const each = 2 * messages + visits + broadcasts
  const crowd = population.devices.slice(0, Math.max(1, Math.floor(MIXED_CALLS / each)))
  const steps: (() => Promise<unknown>)[] = []
  const acknowledged: [string, number][] = []
  for (const device of crowd) {
    for (let turn = 0; turn < visits; turn += 1) steps.push(() => population.visit(device))
    for (let turn = 0; turn < messages; turn += 1) {
      steps.push(async () => acknowledged.push([device.tokenId, await population.send(device)]))
    }
  }
  const spread = steps.toSorted(() => Math.random() - 0.5)
  const spent = await population.measure(1, async () => {
    const chunk = Math.ceil(spread.length / Math.max(1, broadcasts))
    for (let at = 0; at < spread.length; at += chunk) {
      await forEach(spread.slice(at, at + chunk), (step) => step())
      await population.acknowledge(acknowledged.splice(0), 'private')
      const offset = await population.broadcast()
      await population.acknowledge(
        crowd.map(({ tokenId }) => [tokenId, offset] as const),
        'broadcast',
      )
    }
  })
  const perDevice =
    messages * (sum(costs.send) + sum(costs.acknowledge)) +
    visits * sum(costs.visit) +
    broadcasts * sum(costs['acknowledge a broadcast'])
  return { measured: sum(spent), summed: crowd.length * perDevice + broadcasts * sum(costs.broadcast) }
}
