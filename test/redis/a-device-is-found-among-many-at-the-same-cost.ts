// Does a new device cost Redis the same however many are in its bucket, and is the account that was on it found all the same?
import { createHash } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Store, TokenId } from '../../store/contract.ts'
import { deviceMark } from '../../topics/index.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'

const DAY = 86_400_000
const EXPIRES = 2e12
/** A bucket with more than 128 has an index. */
const MANY = 300
const KEYS = '{push:7}i*'
const INDEXED = '{push:7}i'
const BUCKET = '4'

/** All in one bucket, as those of one device always are. */
function idOf(device: string, account = 'anna'): TokenId {
  const hash = createHash('sha256').update(`${device}/${account}`).digest().subarray(0, 14)
  return Buffer.concat([Buffer.from([7, 17]), hash]).toString('base64url')
}

function register(store: Store, device: string, account?: string, expiresAt = EXPIRES) {
  return store.registerToken({
    tokenId: idOf(device, account),
    app: APP,
    deviceMark: deviceMark(APP, device),
    expiresAt,
  })
}

async function fill(store: Store, name: string, count: number, expiresAt?: number): Promise<void> {
  const devices = Array.from({ length: count }, (_, number) => `${name} ${number}`)
  await Promise.all(devices.map((device) => register(store, device, 'anna', expiresAt)))
}

async function world(t: Test, now = Date.now) {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const limits = { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000, deviceHoldMs: DAY }
  const open = () => redisStore(t, { url: redis.url, limits, now })
  const client = new Client(redis.port)
  t.teardown(() => client.disconnect())
  return { redis, client, open, store: await open() }
}

await t.test('what a new device costs', async (t) => {
  const { redis, store } = await world(t)
  const observer = new RedisObserver(t, redis)
  await fill(store, 'phone', MANY)
  await register(store, 'first')
  const few = await observer.of(() => register(store, 'second'))
  await fill(store, 'tablet', 4 * MANY)
  const many = await observer.of(() => register(store, 'third'))
  t.same(many.commands, few.commands)
  t.notOk('hgetall' in many.commands, 'nothing is looked through')
  t.comment(JSON.stringify(many.commands))
})

await t.test('an account on a device that had another', async (t) => {
  const { store } = await world(t)
  for (const size of [1, 100, MANY]) {
    await fill(store, `filling up to ${size}`, size)
    for (const device of ['phone', 'tablet', `one of ${size}`]) {
      for (const account of ['anna', 'bert', 'carl', 'anna', 'bert', 'anna']) {
        const before = ['anna', 'bert', 'carl'].map((each) => idOf(device, each))
        const current = (await Promise.all(before.map((id) => store.lookupToken(id)))).map((each) => each?.current)
        const was = before[current.indexOf(true)]
        const { switchedFrom } = await register(store, device, account)
        t.equal(switchedFrom, was === idOf(device, account) ? undefined : was, `${device}: ${account}`)
      }
    }
  }
})

await t.test('two accounts of one device in one batch', async (t) => {
  const { store } = await world(t)
  await fill(store, 'phone', MANY)
  const accounts = ['anna', 'bert', 'carl', 'bert']
  const answers = await Promise.all(accounts.map((account) => register(store, 'tablet', account)))
  t.same(
    answers.map(({ switchedFrom }) => switchedFrom),
    [undefined, idOf('tablet', 'anna'), idOf('tablet', 'bert'), idOf('tablet', 'carl')],
  )
})

await t.test('a bucket that was filled by an earlier version', async (t) => {
  const { client, store, open } = await world(t)
  await fill(store, 'phone', MANY)
  for (const key of await client.keys(KEYS)) await client.del(key)
  await client.set('{push:format}', '1')
  const later = await open()
  t.equal(await client.get('{push:format}'), '2', 'which cannot write there from now on')
  t.equal((await register(later, 'phone 7', 'bert')).switchedFrom, idOf('phone 7'))
  t.equal(await client.hget(INDEXED, BUCKET), `${MANY + 1}`)
  await client.set('{push:format}', '3')
  await t.rejects(open(), { code: 'STORE_UNAVAILABLE', detail: /another version/ })
})

await t.test('an index that does not know all that is there', async (t) => {
  const { client, store } = await world(t)
  await fill(store, 'phone', MANY)
  for (const key of await client.keys(`${INDEXED}${BUCKET}*`)) await client.del(key)
  await client.hincrby(INDEXED, BUCKET, -1)
  t.equal((await register(store, 'phone 8', 'bert')).switchedFrom, idOf('phone 8'), 'is made again')

  t.comment('an entry that names who is not current any more')
  for (const key of await client.keys(`${INDEXED}${BUCKET}*`)) {
    for (const device of await client.hkeysBuffer(key)) {
      await client.hset(key, device, Buffer.from(idOf('phone 1'), 'base64url').subarray(1))
    }
  }
  t.equal((await register(store, 'phone 9', 'bert')).switchedFrom, idOf('phone 9'), 'is not believed')
  t.equal((await register(store, 'phone 9', 'carl')).switchedFrom, idOf('phone 9', 'bert'), 'and true from then on')
})

await t.test('token ids that are forgotten', async (t) => {
  let now = Date.now()
  const { client, store } = await world(t, () => now)
  await fill(store, 'phone', MANY, now + DAY)
  await register(store, 'phone 1', 'bert', now + 10 * DAY)
  await register(store, 'phone 2', 'bert', now + DAY)
  t.equal(await client.hget(INDEXED, BUCKET), `${MANY + 2}`)
  now += 30 * DAY
  await store.sweep()
  t.equal(await client.hget(INDEXED, BUCKET), '1')
  t.equal((await register(store, 'phone 1', 'carl', now + DAY)).switchedFrom, idOf('phone 1', 'bert'))
  t.equal((await register(store, 'phone 2', 'carl', now + DAY)).switchedFrom, undefined)
  now += 60 * DAY
  await store.sweep()
  t.same(await client.keys(KEYS), [], 'leave nothing')
})
