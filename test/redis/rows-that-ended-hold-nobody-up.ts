// Many rows of a table have ended, and nobody has taken them out yet: does Redis go through them in short steps, and are those behind them found?
import { t } from '../support/tap.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'

const ENDED = 5_000
const OF_ONE_STEP = 1_024

await t.test('rows behind many that ended', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  let now = Date.now()
  const limits = { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000 }
  const store = await redisStore(t, { url: redis.url, now: () => now, limits })
  const write = (key: string, expiresAt = Infinity) =>
    store.writeRow({ table: 'codes', key, value: Buffer.from(key), expiresAt })
  await Promise.all(Array.from({ length: ENDED }, (_, number) => write(`ended ${number}`, now + 1_000)))
  await write('first')
  await write('last')
  await write('and one before them')
  now += 1_000
  const observer = new RedisObserver(t, redis)
  let found: readonly string[] = []
  const { commands } = await observer.of(async () => {
    found = (await store.readRows('codes', '', 100)).map(({ key }) => key)
  })
  t.same(found, ['and one before them', 'first', 'last'])
  const steps = commands['fcall'] ?? 0
  t.ok(steps >= ENDED / OF_ONE_STEP, `${steps} steps`)
  t.same(
    (await store.readRows('codes', '', 2)).map(({ key }) => key),
    ['and one before them', 'first'],
  )
  t.same(
    (await store.readRows('codes', 'first', 2)).map(({ key }) => key),
    ['last'],
  )
  t.same(await store.readRows('codes', 'last', 2), [])
})
