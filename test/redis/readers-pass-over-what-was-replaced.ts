// After many messages of a log were replaced, does a look at it cost what is pending, and not what was?
import { t } from '../support/tap.ts'
import type { Store, TokenId } from '../../store/contract.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ALL, ids, known, message } from './support/people.ts'

const MANY = 1_000

async function send(store: Store, tokenId: TokenId, id: string, collapseKey?: string): Promise<number> {
  const draft = message(id)
  const key = collapseKey === undefined ? {} : { collapseKey }
  return (await store.append({ tokenId, message: { ...draft, ...key }, dedupe: false })).offset
}

await t.test('a log with holes', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000 } })
  const observer = new RedisObserver(t, redis)
  const tokenId = await known(store, 'phone')
  const first = await send(store, tokenId, 'first')
  const replaced = (key: string) =>
    Promise.all(Array.from({ length: MANY }, (_, number) => send(store, tokenId, `${key} ${number}`, key)))
  await replaced('a')
  await send(store, tokenId, 'between')
  await replaced('b')
  const last = `b ${MANY - 1}`
  const expected = ['first', `a ${MANY - 1}`, 'between', last]
  t.same(await ids(store, tokenId), expected)
  const { commands } = await observer.of(() => store.readPrivate(tokenId, 0, ALL))
  t.ok((commands['hmget'] ?? 0) <= 3, `${commands['hmget']} looks`)

  await redis.restart()
  t.same(await ids(store, tokenId), expected)
  const next = await send(store, tokenId, 'next')
  t.same(await ids(store, tokenId), [...expected, 'next'])
  await store.commit([{ tokenId, private: first }])
  t.same(await ids(store, tokenId), [...expected.slice(1), 'next'])
  await store.recall(tokenId, last)
  t.same(await ids(store, tokenId), [...expected.slice(1, -1), 'next'])
  await store.commit([{ tokenId, private: next }])
  t.same(await ids(store, tokenId), [])
})
