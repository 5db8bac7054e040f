/** Very many connections that stay: memory over time, what keeping them alive costs, one broadcast to all, and all of them coming back at once. */
import { setTimeout as pause } from 'node:timers/promises'
import { portsOf, type Target } from '../contenders/index.ts'
import { Holder } from '../load/holders.ts'
import { Ledger } from '../load/ledger.ts'
import { type PublishTemplate, publishTemplate } from '../load/packets.ts'
import { publishAtPeak, publishAtRate } from '../load/publishing.ts'
import type { Publisher } from '../load/publisher.ts'
import { connectionsFor } from '../run/limits.ts'
import { cpuOf, residentOf } from '../run/processes.ts'
import { slopeOf } from '../run/statistics.ts'
import { connectPublishers, type Spent, spentOn, untilQuiet } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

const FITS: ReadonlySet<string> = new Set([
  'ours-level',
  'ours-redis',
  'ours-8-workers',
  'ours-2-nodes-of-4',
  'mosquitto',
])
const KEEP_ALIVE = 60
/** Devices that are issued their tokens and connect together. */
const BLOCK = 1_000
/** Private messages a second. */
const TRICKLE = 20
const LOOK_SECONDS = 60
/** Of a hold that is shorter than so many minutes, more is seen. */
const LOOKS_AT_LEAST = 5
/** All come back, so many at one time. */
const TOGETHER = 1_000
/** The servers are at rest when they do no more than so much in a quarter of a second, besides the pings of each connection. */
const QUIET_US = 20_000
const PINGS_US = 0.5
const MIB = 1024 ** 2
const SETUP_MINUTES = 30

export const hold: Work = {
  name: 'hold',
  title: 'Connections that are held',
  rounds: 1,
  minutes: ({ holdSeconds }) => SETUP_MINUTES + holdSeconds / 60,
  figures: [
    { name: 'connections', unit: '', about: 'of devices, all with a session and two subscriptions' },
    { name: 'server', unit: 'MiB', about: 'resident memory of the server processes' },
    { name: 'each', unit: 'KiB', about: 'the same for one connection, without what they had before the first' },
    { name: 'redis', unit: 'MiB', about: 'resident memory of Redis' },
    { name: 'slope', unit: 'KiB/min', about: 'by which the memory of the server grew, by all looks' },
    { name: 'busy', unit: '%', about: 'of one core, of all server processes and Redis, since the look before' },
    { name: 'cpu', unit: 'us', about: 'all server processes and Redis, for one device' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'took', unit: 's', about: 'until every device had the broadcast, or its session back' },
  ],
  about: ({ held, holdSeconds }) =>
    `${held} devices stay connected for ${holdSeconds} s with a keep-alive of ${KEEP_ALIVE} s, while ${TRICKLE} private messages a second arrive. In the middle, one broadcast reaches all of them (*broadcast*). At the end all are cut off at once and come back, ${TOGETHER} of each process of the generator at one time (*all come back*). Then all connect once more, while the server still holds the connections that they had (*all are taken over*), as after a network that lost them without a word. Of several nodes, half of the devices go to another one each time, as behind a load balancer. The generator is several processes, each with an address of its own, and on the same machine.`,
  fits: ({ name }) => FITS.has(name),
  async run(context) {
    const { target, sizes } = context
    const { connections, holders: processes, reason } = connectionsFor(target, sizes.held)
    if (reason !== undefined) context.note(reason)
    const ledgers = new Map<number, Ledger>()
    const holders = Array.from({ length: processes }, (_, number) => new Holder(number, ledgers))
    try {
      const before = residentOf(target.serverPids())
      const templates = await connectAll(target, holders, connections)
      await untilQuiet(target, QUIET_US + connections * PINGS_US)
      await watch(context, { holders, ledgers, templates, before })
      await cutAll(target, holders)
      await allReturn(context, holders, connections, 'all come back')
      await untilQuiet(target, QUIET_US + connections * PINGS_US)
      await allReturn(context, holders, connections, 'all are taken over')
      for (const holder of holders) holder.check()
    } finally {
      await Promise.all(holders.map((holder) => holder.end()))
    }
  },
}

/** Gives what publishes to each of them. */
async function connectAll(target: Target, holders: readonly Holder[], count: number): Promise<PublishTemplate[]> {
  const templates: PublishTemplate[] = []
  let under: Promise<void> | undefined
  for (let first = 0; first < count; first += BLOCK) {
    const issued = await target.identities(first, Math.min(BLOCK, count - first))
    templates.push(...issued.map(({ privateTopic }) => publishTemplate(privateTopic)))
    const identities = issued.map((identity) => ({ ...identity, keepAlive: KEEP_ALIVE }))
    // One block connects while the next one is issued its tokens.
    await under
    under = holders[(first / BLOCK) % holders.length]?.hold(first, identities, portsOf(target))
  }
  await under
  return templates
}

interface Held {
  readonly holders: readonly Holder[]
  readonly ledgers: Map<number, Ledger>
  readonly templates: readonly PublishTemplate[]
  /** Resident memory of the server before the first connection, bytes. */
  readonly before: number
}

async function watch(context: WorkContext, held: Held): Promise<void> {
  const { target, sizes, record } = context
  const seconds = sizes.holdSeconds
  const every = Math.min(LOOK_SECONDS, seconds / LOOKS_AT_LEAST)
  const [first, second] = await connectPublishers(target, 2)
  if (first === undefined || second === undefined) return
  const looks: { readonly minutes: number; readonly kib: number }[] = []
  let last = look(context, held, 0, undefined)
  const start = last.at
  looks.push({ minutes: 0, kib: last.resident / 1024 })
  const trickle = trickleOf(held, first, seconds)
  let broadcast: Promise<void> | undefined
  for (let due = every; due <= seconds + 0.001; due += every) {
    await Promise.race([pause(start + due * 1_000 - performance.now()), trickle.failed])
    last = look(context, held, due, last)
    looks.push({ minutes: (last.at - start) / 60_000, kib: last.resident / 1024 })
    if (due >= seconds / 2) broadcast ??= broadcastToAll(context, held, second)
  }
  await broadcast
  await trickle.done
  const slope = slopeOf(looks.map(({ minutes, kib }) => [minutes, kib]))
  record('slope', slope, caseOf(seconds))
  for (const publisher of [first, second]) await publisher.end()
}

const caseOf = (seconds: number): string => `after ${Math.round(seconds)} s`

interface Look {
  readonly at: number
  readonly resident: number
  readonly cpu: number
}

function look({ target, record }: WorkContext, held: Held, seconds: number, last: Look | undefined): Look {
  const inCase = caseOf(seconds)
  const { redis } = target
  const resident = residentOf(target.serverPids())
  const connections = held.templates.length
  record('connections', connections, inCase)
  record('server', resident / MIB, inCase)
  record('each', (resident - held.before) / connections / 1024, inCase)
  if (redis !== undefined) record('redis', residentOf([redis.pid]) / MIB, inCase)
  const now = { at: performance.now(), resident, cpu: cpuOf([...target.serverPids(), ...(redis ? [redis.pid] : [])]) }
  if (last !== undefined) record('busy', (now.cpu - last.cpu) / 10 / (now.at - last.at), inCase)
  return now
}

function trickleOf({ ledgers, templates }: Held, publisher: Publisher, seconds: number) {
  const ledger = new Ledger({ messages: Math.floor(seconds * TRICKLE), devices: templates.length, toAll: false })
  ledgers.set(ledger.run, ledger)
  publisher.onLost = (error) => ledger.fail(error)
  const done = publishAtRate({ publishers: [publisher], ledger, templates }, TRICKLE)
  done.catch(() => undefined)
  return { done, failed: ledger.done.then(() => new Promise<never>(() => undefined)) }
}

async function broadcastToAll(context: WorkContext, { ledgers, templates }: Held, publisher: Publisher) {
  const { target } = context
  const devices = templates.length
  const ledger = new Ledger({ messages: 1, devices, toAll: true })
  ledgers.set(ledger.run, ledger)
  publisher.onLost = (error) => ledger.fail(error)
  const publishing = { publishers: [publisher], ledger, templates: [publishTemplate(target.broadcastTopic)] }
  const spent = await spentOn(target, () => publishAtPeak(publishing, 1))
  recordSpent(context, 'broadcast', devices, spent)
}

async function cutAll(target: Target, holders: readonly Holder[]): Promise<void> {
  await Promise.all(holders.map((holder) => holder.cut()))
  await untilQuiet(target)
}

async function allReturn(context: WorkContext, holders: readonly Holder[], devices: number, inCase: string) {
  const { target } = context
  const comeBack = () => Promise.all(holders.map((holder) => holder.return(portsOf(target), TOGETHER)))
  recordSpent(context, inCase, devices, await spentOn(target, comeBack))
}

function recordSpent({ target, record }: WorkContext, inCase: string, devices: number, spent: Spent): void {
  record('connections', devices, inCase)
  record('cpu', spent.server / devices, inCase)
  if (target.redis !== undefined) record('redis cpu', spent.redis / devices, inCase)
  record('took', spent.wall / 1_000, inCase)
}
