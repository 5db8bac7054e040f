// How many promises and how many bytes of heap does a message cost the server, over MQTT and over HTTP? Bounds that fail when they grow.
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import { batchWorld } from '../support/batches.ts'
import { send as post, startServerProcess } from '../support/index.ts'
import { COUNTING_FLAGS, type WorkCounts, workCounts } from '../support/work-counts.ts'

const DEVICES = 12
/** For one device in a batch; those of all are no more than a provider may have unacknowledged. */
const EACH = 4
const BROADCASTS = 16
const BATCHES = 5
const REQUESTS = 40
/** Before the code is compiled, everything costs more. */
const WARM_UP = 60
/** The best of these: timers and a busy machine add to some. */
const ROUNDS = 6

interface Bound {
  readonly promises: number
  readonly bytes: number
}

/** Seen: 4.2 and 10,600, 0.75 and 2,100, 28 and 43,000; those of HTTP with a group of the store for each. */
const MOST: Readonly<Record<'private' | 'broadcast' | 'http', Bound>> = {
  private: { promises: 5.5, bytes: 13_000 },
  broadcast: { promises: 1, bytes: 2_800 },
  http: { promises: 32, bytes: 52_000 },
}

await t.test('messages to devices that are connected', async (t) => {
  const server = await startServerProcess(t, {
    settings: { PUSH_LOG_LEVEL: 'warn', PUSH_SWEEP: '3600' },
    nodeFlags: COUNTING_FLAGS,
  })
  const { issued, send } = await batchWorld(t, server, DEVICES)
  const broadcastTopics = Array.from({ length: BROADCASTS }, () => issued[0]?.topics.broadcast ?? '')
  const privateTopics = issued.flatMap(({ topics }) => Array.from({ length: EACH }, () => topics.private))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const batches = async (topics: readonly string[], arrivals: number): Promise<void> => {
    for (let batch = 0; batch < BATCHES; batch += 1) await send(topics, arrivals)
  }
  const requests = async (): Promise<void> => {
    for (let count = 0; count < REQUESTS; count += 1) {
      await post(server, { token: issued[0]?.tokenId ?? '' }, 'x'.repeat(64), { agent })
    }
  }
  for (const [name, deliveries, work] of [
    ['private', BATCHES * EACH * DEVICES, () => batches(privateTopics, EACH)],
    ['broadcast', BATCHES * BROADCASTS * DEVICES, () => batches(broadcastTopics, BROADCASTS)],
    ['http', REQUESTS, requests],
  ] as const) {
    for (let round = 0; round < WARM_UP / BATCHES; round += 1) await work()
    const least: { -readonly [Key in keyof WorkCounts]: number } = { promises: Infinity, heap: Infinity }
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await workCounts(server, true)
      await work()
      const after = await workCounts(server)
      least.promises = Math.min(least.promises, after.promises - before.promises)
      least.heap = Math.min(least.heap, after.heap - before.heap)
    }
    const [promises, bytes] = [least.promises / deliveries, least.heap / deliveries]
    t.comment(`${name}: ${promises.toFixed(2)} promises, ${bytes.toFixed(0)} bytes`)
    t.ok(promises > 0 && promises <= MOST[name].promises, `${name}: ${promises.toFixed(2)} promises`)
    t.ok(bytes > 0 && bytes <= MOST[name].bytes, `${name}: ${bytes.toFixed(0)} bytes`)
  }
})
