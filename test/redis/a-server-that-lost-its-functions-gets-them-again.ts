// Batches are functions of a library in Redis: what if Redis has lost it, has no room for it, or knows no functions at all?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import type { Store } from '../../store/contract.ts'
import { type Redis, startRedis, startRedisCluster } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message, UNAVAILABLE } from './support/people.ts'

/** Devices whose token ids are in many partitions. */
const DEVICES = Array.from({ length: 24 }, (_, number) => `device ${number}`)

async function sendAll(store: Store, tokens: readonly string[], name: string): Promise<void> {
  await Promise.all(tokens.map((tokenId) => store.append({ tokenId, message: message(name), dedupe: false })))
}

async function hasAll(t: Test, store: Store, tokens: readonly string[], ...names: readonly string[]): Promise<void> {
  for (const token of tokens) t.same(await ids(store, token), names)
}

const knownAll = (store: Store): Promise<string[]> => Promise.all(DEVICES.map((device) => known(store, device)))

async function calls(
  t: Test,
  redis: Redis,
  work: () => Promise<unknown>,
): Promise<{ functions: number; scripts: number }> {
  const { commands } = await new RedisObserver(t, redis).of(work)
  return { functions: commands['fcall'] ?? 0, scripts: (commands['evalsha'] ?? 0) + (commands['eval'] ?? 0) }
}

await t.test('a library that is gone is loaded again', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const tokens = await knownAll(store)
  await redis.cli('function', 'flush')
  const { scripts } = await calls(t, redis, () => sendAll(store, tokens, 'one'))
  t.equal(scripts, 0)
  await hasAll(t, store, tokens, 'one')
  t.match(await redis.cli('function', 'list'), /aedes_push_/)
})

await t.test('it is kept with the data, for the next life of Redis', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const tokens = await knownAll(store)
  await redis.kill()
  await redis.restart()
  t.match(await redis.cli('function', 'list'), /aedes_push_/)
  await sendAll(store, tokens, 'one')
  await hasAll(t, store, tokens, 'one')
})

await t.test('one master of a Cluster has lost it', async (t) => {
  const cluster = await startRedisCluster(t)
  const store = await redisStore(t, { url: cluster.url })
  const tokens = await knownAll(store)
  const [server] = cluster.nodes
  if (server === undefined) throw new Error('a Cluster without servers')
  await server.cli('function', 'flush')
  await sendAll(store, tokens, 'one')
  await hasAll(t, store, tokens, 'one')
  t.match(await server.cli('function', 'list'), /aedes_push_/)
})

await t.test('there is no memory for it', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const [token = ''] = await knownAll(store)
  const { offset } = await store.append({ tokenId: token, message: message('one'), dedupe: false })
  await redis.cli('config', 'set', 'maxmemory', '1')
  await redis.cli('function', 'flush')
  await t.rejects(store.append({ tokenId: token, message: message('two'), dedupe: false }), UNAVAILABLE)
  await store.commit([{ tokenId: token, private: offset }])
  t.same(await ids(store, token), [], 'what frees memory is done')
  await redis.cli('config', 'set', 'maxmemory', '0')
  await sendAll(store, [token], 'three')
  t.same(await ids(store, token), ['three'])
  t.match(await redis.cli('function', 'list'), /aedes_push_/)
})

await t.test('a server before Redis 7 has scripts', async (t) => {
  const redis = await startRedis(t, { config: { 'rename-command': 'FCALL ""' } })
  const store = await redisStore(t, { url: redis.url })
  const tokens = await knownAll(store)
  const { functions, scripts } = await calls(t, redis, () => sendAll(store, tokens, 'one'))
  t.equal(functions, 0, 'it is not asked again')
  t.ok(scripts > 0)
  await hasAll(t, store, tokens, 'one')
})

await t.test('and so has a user without a right to functions', async (t) => {
  const redis = await startRedis(t)
  await redis.cli('acl', 'setuser', 'push', 'on', '>secret', '~*', '&*', '+@all', '-function')
  const store = await redisStore(t, { url: redis.url.replace('://', '://push:secret@') })
  const tokens = await knownAll(store)
  await sendAll(store, tokens, 'one')
  await hasAll(t, store, tokens, 'one')
  t.equal(await redis.cli('function', 'list'), '')
})
