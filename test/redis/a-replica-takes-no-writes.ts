// Does a master that becomes a replica refuse publishers, and serve again when it is master?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message, UNAVAILABLE } from './support/people.ts'

await t.test('a replica takes no writes', async (t) => {
  const redis = await startRedis(t)
  const other = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 300 } })
  const token = await known(store, 'phone')
  await store.append({ tokenId: token, message: message('before'), dedupe: false })

  // A master that it cannot log in to, so that it keeps its data.
  await other.cli('config', 'set', 'requirepass', 'secret')
  await redis.cli('replicaof', other.host, String(other.port))
  await t.rejects(store.append({ tokenId: token, message: message('while'), dedupe: false }), UNAVAILABLE)
  await t.rejects(store.health(), UNAVAILABLE)

  await redis.cli('replicaof', 'no', 'one')
  await eventually('a store that is healthy', () => store.health())
  await store.append({ tokenId: token, message: message('after'), dedupe: false })
  t.same(await ids(store, token), ['before', 'after'])
})
