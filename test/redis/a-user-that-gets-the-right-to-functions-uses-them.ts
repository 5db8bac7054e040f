// A user without a right to functions has scripts: does it have functions once it has got the right, with its next connection?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { eventually, type Redis, startRedis, startRedisCluster } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message } from './support/people.ts'

const USER = ['acl', 'setuser', 'push', 'on', '>secret', '~*', '&*', '+@all', '-function', '-fcall']
const MAY_CALL = ['acl', 'setuser', 'push', '+function', '+fcall']
const CUT = ['client', 'kill', 'user', 'push']
/** Devices whose token ids are in many partitions. */
const DEVICES = Array.from({ length: 24 }, (_, number) => `device ${number}`)

const asUser = (url: string): string => url.replaceAll('://', '://push:secret@')

/** Batches, as the servers count the calls that they did not refuse. */
async function calls(observers: readonly RedisObserver[], work: () => Promise<unknown>) {
  const done: Readonly<Record<string, number>>[] = []
  const observed = observers.reduce((inner, one) => async () => void done.push((await one.of(inner)).commands), work)
  await observed()
  const count = (name: string): number => done.reduce((sum, commands) => sum + (commands[name] ?? 0), 0)
  return { functions: count('fcall'), scripts: count('evalsha') + count('eval') }
}

/** @param cut the servers that the user's connections are cut at */
async function getsTheRight(t: Test, store: Store, servers: readonly Redis[], cut: readonly Redis[]): Promise<void> {
  const observers = servers.map((server) => new RedisObserver(t, server))
  const tokens = await Promise.all(DEVICES.map((device) => known(store, device)))
  const send = (name: string) => () =>
    Promise.all(tokens.map((tokenId) => store.append({ tokenId, message: message(name), dedupe: false })))

  const before = await calls(observers, send('one'))
  t.equal(before.functions, 0)
  t.ok(before.scripts > 0)

  for (const server of servers) await server.cli(...MAY_CALL)
  for (const server of cut) t.not(await server.cli(...CUT), '0', 'there was a connection')
  await eventually('a connection', () => store.health())
  await eventually('every server', () => Promise.all(tokens.map((token) => ids(store, token))))

  const after = await calls(observers, send('two'))
  t.ok(after.functions > 0)
  t.equal(after.scripts, 0)
  for (const token of tokens) t.same(await ids(store, token), ['one', 'two'])
}

await t.test('at a server', async (t) => {
  const redis = await startRedis(t)
  await redis.cli(...USER)
  const store = await redisStore(t, { url: asUser(redis.url) })
  await getsTheRight(t, store, [redis], [redis])
})

await t.test('at a Cluster whose servers come back one by one, as when they are upgraded', async (t) => {
  const cluster = await startRedisCluster(t)
  for (const server of cluster.nodes) await server.cli(...USER)
  const store = await redisStore(t, { url: asUser(cluster.url) })
  await getsTheRight(t, store, cluster.nodes, cluster.nodes.slice(0, 1))
})
