// Does a Redis that accepts and answers nothing bind neither callers nor memory, and keep their order afterwards?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message, UNAVAILABLE } from './support/people.ts'

await t.test('a redis that hangs is given up', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 300, redisCalls: 50 } })
  const token = await known(store, 'phone')

  redis.freeze()
  const calls = Array.from({ length: 60 }, (_, number) =>
    store.append({ tokenId: token, message: message(`m${number}`), dedupe: true }),
  )
  const outcomes = await Promise.allSettled(calls)
  t.ok(
    outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'STORE_UNAVAILABLE'),
    'each call ends, and none as if it were stored',
  )
  t.match(outcomes[59], { reason: { detail: /too many calls/ } }, 'at once when too many wait')
  await t.rejects(store.health(), UNAVAILABLE)

  redis.thaw()
  await eventually('a store that is healthy', () => store.health())
  const again = await Promise.all(
    Array.from({ length: 50 }, (_, number) =>
      store.append({ tokenId: token, message: message(`m${number}`), dedupe: true }),
    ),
  )
  t.same(
    await ids(store, token),
    Array.from({ length: 50 }, (_, number) => `m${number}`),
    'once each, in order, whether the first attempt reached Redis or not',
  )
  t.equal(new Set(again.map((appended) => appended.offset)).size, 50)
})
