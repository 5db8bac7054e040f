/** docs/sizing.md, whole: nobody edits it by hand. */
import { asMarkdown, format } from '../report/table.ts'
import { describeMachine } from '../run/results.ts'
import type { Engine } from './engines.ts'
import { PARTS, type Measured } from './measure.ts'
import type { Need, ServerCosts } from './need.ts'
import type { Rates } from './rates.ts'

const GIB = 1024 ** 3
const MILLION = 1e6

export interface Sizing {
  readonly rates: Rates
  readonly measured: readonly (Measured & { readonly engine: Engine })[]
  readonly server: ServerCosts | undefined
  readonly needs: readonly Need[]
}

const millions = (devices: number): string => `${format(devices / MILLION)} million`

function parts({ measured }: Sizing): string {
  const head = [
    'installation',
    'engine',
    ...PARTS.map((part) => `${part}, us`),
    'device, bytes',
    'message, bytes',
    'broadcast, bytes',
    'a day mixed',
  ]
  const rows = measured.map(({ engine, devices, costs, bytes, mixed }) => [
    millions(devices),
    engine,
    ...PARTS.map((part) => {
      const { node, redis } = costs[part]
      return engine === 'Redis' ? `${format(node)} + ${format(redis)}` : format(node)
    }),
    format(bytes.device),
    // The files of LevelDB grow and shrink by megabytes.
    engine === 'Redis' ? format(bytes.message) : '-',
    engine === 'Redis' ? format(bytes.broadcast) : '-',
    `${format(mixed.measured / mixed.summed)}x`,
  ])
  return asMarkdown({ head, rows }, 2)
}

function needsTable({ needs: all }: Sizing): string {
  const head = [
    'devices',
    'messages, /s',
    'connects, /s',
    'node cores',
    'node memory, GiB',
    'nodes',
    'because of',
    'Redis cores',
    'Redis memory, GiB',
    'Redis shards',
    'because of',
    'storm, s',
    'broadcast to all, s',
  ]
  const rows = all.map((need) => [
    millions(need.devices),
    format(need.messagesASecond),
    format(need.visitsASecond),
    format(need.nodeCores),
    format(need.nodeBytes / GIB),
    String(need.nodes),
    need.nodesBecause,
    format(need.redisCores),
    format(need.redisBytes / GIB),
    String(need.shards),
    need.shardsBecause,
    format(need.storm),
    format(need.broadcastToAll),
  ])
  return asMarkdown({ head, rows }, 1)
}

/** Of the largest installation. */
function breaks({ needs, measured }: Sizing): string {
  const [largest, store] = [needs.at(-1), measured.at(-1)]
  if (largest === undefined || store === undefined) return ''
  const registering = store.costs.register.redis
  return [
    `Where it breaks first, with these rates and ${millions(largest.devices)} devices:\n`,
    `- The store has 256 partitions, which spread evenly over some 64 shards: that is the end at about ${millions(Math.round(largest.most / MILLION) * MILLION)} devices.`,
    '- The broadcast log of one app is on one shard, and every node that has a device of it reads it once: many apps spread, one app does not.',
    `- A token for a new device, or for another account on it, takes ${format(registering)} us of Redis, however many there are: ${format(MILLION / registering)} a second take all of a shard.`,
    `\n${format((100 * largest.recheckCores) / largest.redisCores)} % of the CPU of Redis looks for lost wakes (\`PUSH_SESSION_RECHECK\`, 30 s): twice in that time each worker asks each partition how many wakes it sent, and once in 60 such times each connected device reads its log.`,
  ].join('\n')
}

export function pageOf(sizing: Sizing): string {
  const { rates, server } = sizing
  const { cpu, cores, node } = describeMachine()
  const lines = [
    '# Sizing',
    '<!-- Written by `npm run sizing -- --write`. -->',
    'How many nodes and Redis servers so many devices need. Every figure was measured by a program, or is computed from what it measured; measure on your machines, with your rates, before you buy any.',
    `Measured on ${cores} cores (${cpu}) with Node ${node}.`,
    '## What a part costs',
    'The real store is driven without a server: a token id is *registered*; a session is opened and closed (*visit*); a private message is stored (*send*) and *acknowledged*, in batches of 64; a *broadcast* is stored once, and acknowledged by each device. CPU of the process that calls, + CPU of Redis. Over Redis, devices are in a few of the 16,384 buckets of the store, so that these are as full as they would be in an installation of that size; a token is registered for a device that is new, when all others are there. *Recheck*: a device reads its log after the last message, in batches. *Look alone*: one read with nothing else in its batch. *A day mixed* is what a day of everything in random order costs, beside the sum of these parts: near 1x, parts may be added.',
    parts(sizing),
  ]
  if (server !== undefined) {
    lines.push(
      '## What devices need',
      `Of each device in a day: ${rates.messages} messages of ${rates.payload} bytes, ${rates.broadcasts} broadcasts, ${rates.visits} connects; ${rates.waiting} messages wait; ${rates.connected * 100} % are connected. The busiest time has ${rates.peak} times the average, and ${rates.load * 100} % of cores and memory are used then. A node has ${rates.cores} cores (as many workers) and ${rates.memory} GiB, a Redis shard one core and ${rates.redisMemory} GiB, and each shard wants a replica. Of a server (\`npm run bench\`, ours-redis): ${format(server.message)} us a message, ${format(server.broadcast)} us a broadcast delivered, ${format(server.resume)} us a connect, ${format(server.connection / 1024)} KiB a connection.`,
      needsTable(sizing),
      breaks(sizing),
      '*Storm*: all that were connected come back at once, after an outage of everything. *Broadcast to all*: until the last of them has it. Both with all cores busy.',
    )
  }
  lines.push(
    '## How to run it',
    '```sh\nnpm run bench -- --only ours-redis --works private,broadcast,connect,idle\nnpm run sizing -- --from bench-results.json --messages 50 --visits 4\nnpm run sizing -- --help\n```',
  )
  return `${lines.join('\n\n')}\n`
}
