// What do callers get while Redis is down, and does everything go on by itself when it is back?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message, UNAVAILABLE } from './support/people.ts'

await t.test('a redis that goes away comes back', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 500 } })
  const resyncs: string[] = []
  const heard: number[] = []
  store.watch({
    privateAppended: (_, offset) => void heard.push(offset),
    broadcastAppended: () => undefined,
    sessionEnded: () => undefined,
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync: () => void resyncs.push('resync'),
  })
  const token = await known(store, 'phone')
  const before = await store.append({ tokenId: token, message: message('before'), dedupe: true })
  const session = await store.openSession({ tokenId: token, app: 'weather', generation: 1, cleanStart: false })

  await redis.kill()
  await Promise.all([
    t.rejects(store.append({ tokenId: token, message: message('while'), dedupe: true }), UNAVAILABLE, 'no acceptance'),
    t.rejects(store.commit([{ tokenId: token, private: 1 }]), UNAVAILABLE),
    t.rejects(store.readPrivate(token, 0, { entries: 1, bytes: 1 }), UNAVAILABLE),
    t.rejects(store.health(), UNAVAILABLE),
  ])
  const secret = store.secret('name', () => 'secret')

  await redis.restart()
  t.equal(await secret, 'secret', 'what a start needs is waited for')
  await eventually('a store that is healthy', () => store.health())
  await eventually('a resync, as wakes may have been lost', () => resyncs.length > 0)
  t.same(await ids(store, token), ['before'])
  const after = await store.append({ tokenId: token, message: message('after'), dedupe: true })
  t.ok(after.offset > before.offset)
  await eventually('a wake', () => heard.includes(after.offset))
  t.same(
    await store.commit([{ tokenId: token, epoch: session.epoch, private: before.offset }]),
    [],
    'the session is still held',
  )
  t.same(await ids(store, token), ['after'])
})
