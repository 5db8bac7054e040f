// Redis has reached its maxmemory: can devices connect, subscribe, get and acknowledge what waits, and does that make room?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { ALL, APP, idOf, ids, known, message, register, UNAVAILABLE } from './support/people.ts'

const EVERYBODY = { kind: 'all' } as const
const LARGE = Buffer.alloc(100_000, 'x')
const ROOM = 4 * 1024 * 1024

/** Every server of them is full; nothing is asked of those that are not. */
async function full(t: Test, url: string, servers: readonly Redis[]): Promise<void> {
  const clock = { offset: 0 }
  const store = await redisStore(t, { url, now: () => Date.now() + clock.offset })
  const token = await known(store, 'phone')
  const lost = await known(store, 'lost')
  const open = (tokenId: string) => store.openSession({ tokenId, app: APP, generation: 1, cleanStart: false })
  await store.closeSession(lost, (await open(lost)).epoch, { state: Buffer.from('kept'), stateExpiresAt: Infinity })
  const append = (id: string) => store.append({ tokenId: token, message: message(id, LARGE), dedupe: true })
  await store.appendBroadcast({ app: APP, selector: EVERYBODY, message: message('all', LARGE), dedupe: false })
  const sent = []
  for (let count = 0; count < 20; count += 1) sent.push((await append(`${count}`)).offset)

  for (const server of servers) await server.cli('config', 'set', 'maxmemory', '1')
  const mixed = [append('refused'), store.commit([{ tokenId: token, private: sent[0]! }])] as const
  await t.rejects(mixed[0], UNAVAILABLE, 'not behind an acknowledgement that frees')
  t.same(await mixed[1], [])
  await t.rejects(append('refused'), /out of memory/)
  await t.rejects(register(store, 'new'), UNAVAILABLE)
  t.equal((await register(store, 'phone')).generation, 1, 'a token id that is known may have a new token')

  const { epoch, cursors } = await open(token)
  await store.saveSession(token, epoch, Buffer.from('subscriptions'))
  const stop = await store.follow(token)
  t.same((await ids(store, token, cursors.private)).length, 19)
  t.same(await store.commit([{ tokenId: token, epoch, private: sent[18]! }]), [])
  await store.closeSession(token, epoch, { state: Buffer.from('subscriptions'), stateExpiresAt: Infinity })
  t.match(await open(token), { state: Buffer.from('subscriptions'), unclean: false })
  t.equal(await store.revokeToken(lost), true)
  stop()
  clock.offset = 2 * 3_600_000
  await store.sweep()
  t.same((await store.readBroadcast(APP, 0, ALL)).entries, [], 'what has expired is taken out')
  t.same(await ids(store, token), [], 'and the last message as well')
  clock.offset = 0

  for (const server of servers) await server.cli('config', 'set', 'maxmemory', '0')
  t.match(await append('refused'), { duplicate: false }, 'nothing of what was refused was written')
  t.same(await ids(store, token), ['refused'])
  await t.rejects(store.append({ tokenId: idOf('new'), message: message('x'), dedupe: false }), {
    code: 'TOKEN_UNKNOWN',
  })
}

await onServerAndCluster(t, full)

await t.test('what is drained makes room, by itself', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const token = await known(store, 'phone')
  const used = Number(/used_memory:(\d+)/.exec(await redis.cli('info', 'memory'))?.[1])
  await redis.cli('config', 'set', 'maxmemory', String(used + ROOM))
  const append = () => store.append({ tokenId: token, message: message('large', LARGE), dedupe: false })
  let last = await append()
  await t.rejects(async () => {
    for (;;) last = await append()
  }, UNAVAILABLE)
  const { epoch } = await store.openSession({ tokenId: token, app: APP, generation: 1, cleanStart: true })
  await store.commit([{ tokenId: token, epoch, private: last.offset }])
  await eventually('room', append)
})
