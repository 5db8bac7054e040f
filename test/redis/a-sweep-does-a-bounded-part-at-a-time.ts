// A bucket has thousands of token ids: is it swept in short scripts, and is nothing passed over that becomes due meanwhile?
import { createHash } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Store, TokenId } from '../../store/contract.ts'
import { SWEEP } from '../../store/redis/steps.ts'
import { deviceMark } from '../../topics/index.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'
import { thriceLanes } from './support/thrice.ts'

const DAY = 86_400_000
const COUNT = 2_000
/** Seen: 1,176. All at once would be 16,000. */
const MOST_COMMANDS = 1_500
const BASE = '{push:7}'
const [DUE, BUCKET, TOKENS, SWEEPING] = [`${BASE}x`, '4', `${BASE}t4`, `${BASE}ws`]
const LIMITS = { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000, deviceHoldMs: DAY }
const NOW = Math.floor(Date.now() / 1000) * 1000

/** All in one bucket. */
function idOf(number: number): TokenId {
  const hash = createHash('sha256').update(`${number}`).digest().subarray(0, 14)
  return Buffer.concat([Buffer.from([7, 17]), hash]).toString('base64url')
}

interface World {
  readonly redis: Redis
  readonly client: Client
  readonly store: Store
  send(number: number, expiresAt: number): Promise<unknown>
  clock: { now: number }
}

async function world(t: Test, count: number): Promise<World> {
  const redis = await startRedis(t, { appendfsync: 'everysec' })
  const clock = { now: NOW }
  const store = await redisStore(t, { url: redis.url, limits: LIMITS, now: () => clock.now })
  const client = new Client(redis.port)
  t.teardown(() => client.disconnect())
  const all = Array.from({ length: count }, (_, number) => number)
  const expiresAt = NOW + 300 * DAY
  await Promise.all(
    all.map((number) => {
      const mark = deviceMark(APP, `${number}`)
      return store.registerToken({ tokenId: idOf(number), app: APP, deviceMark: mark, expiresAt })
    }),
  )
  const send = (number: number, expiresAt: number) => {
    const message = { id: `${number}`, payload: Buffer.from('x'), retain: false, storedAt: clock.now, expiresAt }
    return store.append({ tokenId: idOf(number), message, dedupe: false })
  }
  return { redis, client, store, send, clock }
}

const all = Array.from({ length: COUNT }, (_, number) => number)
const scoreOf = async (client: Client): Promise<number> => Number(await client.zscore(DUE, BUCKET))

await t.test('all token ids of a bucket are due at one time', async (t) => {
  const { client, redis, store, send, clock } = await world(t, COUNT)
  await Promise.all(all.map((number) => send(number, NOW + DAY + (number % 2) * DAY)))
  const monitor = await new Client({ port: redis.port, retryStrategy: () => null }).monitor()
  t.teardown(() => monitor.disconnect())
  const inEach: number[] = []
  monitor.on('monitor', (_time: string, [name = '']: string[]) => {
    if (name === 'fcall') inEach.push(0)
    else inEach.push((inEach.pop() ?? 0) + 1)
  })
  clock.now += DAY
  await store.sweep()
  t.equal(await store.pendingMessages(), COUNT / 2)
  t.equal(await scoreOf(client), NOW + 2 * DAY, 'the next that is due')
  clock.now += DAY
  await store.sweep()
  t.equal(await store.pendingMessages(), 0)
  await eventually('all commands', () => inEach.length > COUNT / 128)
  t.ok(Math.max(...inEach) < MOST_COMMANDS, `at most ${Math.max(...inEach)} commands in one script`)
  t.equal(await client.exists(SWEEPING), 0, 'nothing is left of it')
  clock.now += 400 * DAY
  await store.sweep()
  t.equal(await client.exists(TOKENS), 0)
  t.equal(await client.zscore(DUE, BUCKET), null)
})

await t.test('what becomes due while a bucket is gone through', async (t) => {
  const { client, redis, store, send, clock } = await world(t, COUNT)
  await Promise.all(all.map((number) => send(number, NOW + DAY)))
  const { lanes, replies } = await thriceLanes(t, redis.url, () => clock.now)
  lanes.open()
  clock.now += DAY
  const step = () => lanes.run(SWEEP, BASE, clock.now, 8, 0)
  t.equal((await step())[0], true, 'there is more')
  t.equal(await client.exists(SWEEPING), 1)
  // Of those that it has been at and of those that it has not.
  await Promise.all(all.map((number) => send(number, clock.now + (number % 7 === 0 ? 1 : 2) * 3_600_000)))
  for (let more = true; more; ) more = (await step())[0] === true
  t.ok(replies.length > COUNT / 128 && replies.every(([one, two, three]) => one === two && two === three))
  t.equal(await client.exists(SWEEPING), 0)
  t.equal(await scoreOf(client), clock.now + 3_600_000, 'is known to be')
  clock.now += 3_600_000
  await store.sweep()
  t.equal(await scoreOf(client), clock.now + 3_600_000)
  clock.now += 3_600_000
  await store.sweep()
  t.equal(await store.pendingMessages(), 0)
  await lanes.close()
})

await t.test('Redis is started again in the middle of a bucket', async (t) => {
  const { client, redis, store, send, clock } = await world(t, COUNT)
  await Promise.all(all.map((number) => send(number, NOW + DAY)))
  clock.now += DAY
  const { lanes } = await thriceLanes(t, redis.url, () => clock.now)
  lanes.open()
  await lanes.run(SWEEP, BASE, clock.now, 8, 0)
  await lanes.close()
  t.equal(await client.exists(SWEEPING), 1)
  await redis.kill('SIGTERM')
  await redis.restart()
  await eventually('the store is back', async () => await store.pendingMessages().catch(() => 0))
  await store.sweep()
  t.equal(await store.pendingMessages(), 0, 'another start of Redis has another order of what it goes through')
  t.equal(await scoreOf(client), NOW + 300 * DAY + 28 * DAY)
})
