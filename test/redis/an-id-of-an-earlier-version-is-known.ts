// Are ids known that were remembered before messages could be followed?
import { Redis as Client } from 'ioredis'
import { t } from '../support/tap.ts'
import { Packer } from '../../store/redis/pack.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, ids, known, message } from './support/people.ts'

const ALL = { kind: 'all' } as const
const DAY = 86_400_000

/** As it was remembered: offset, and until when. */
function earlier(offset: number, until: number): Buffer {
  const packer = new Packer()
  packer.value(offset)
  packer.value(until)
  return packer.finish()
}

await t.test('ids that were remembered by an earlier version', async (t) => {
  const redis = await startRedis(t)
  let ahead = 0
  const store = await redisStore(t, { url: redis.url, now: () => Date.now() + ahead, limits: { sweepMs: 2 ** 31 - 1 } })
  const client = new Client(redis.port)
  t.teardown(() => client.disconnect())
  const tokenId = await known(store, 'phone')
  const append = (id: string, dedupe = true) => store.append({ tokenId, message: message(id), dedupe })
  const publish = (id: string, dedupe = true) =>
    store.appendBroadcast({ app: APP, selector: ALL, message: message(id), dedupe })
  await append('to make the key')
  await publish('to make the key')
  const until = Date.now() + 60_000
  const one = await append('one', false)
  const two = await append('two', false)
  const all = await publish('all', false)
  const keys = (await client.keys('*')).filter((key) => /}d\d*$/.test(key)).sort()
  t.equal(keys.length, 2)
  const [own = '', ofApp = ''] = keys
  await client.hset(own, 'one', earlier(one.offset, until), 'two', earlier(two.offset, until))
  await client.hset(own, 'gone', earlier(two.offset, Date.now() - 1))
  await client.hset(ofApp, 'all', earlier(all.offset, until))

  const { payload, ...rest } = message('one', 'whatever it says')
  const again = await store.append({ tokenId, message: { payload, ...rest }, dedupe: true })
  t.same(again, { offset: one.offset, duplicate: true, expiresAt: until, dropped: 0 })
  t.match(await store.messageStatus(tokenId, 'one'), { state: 'pending' })
  t.equal(await store.messageStatus(tokenId, 'gone'), undefined)
  await store.commit([{ tokenId, private: one.offset }])
  t.match(await store.messageStatus(tokenId, 'one'), { state: 'acknowledged', expiresAt: until })
  t.match(await store.recall(tokenId, 'two'), { state: 'recalled' })
  t.same(await ids(store, tokenId), [])
  t.match(await publish('all'), { offset: all.offset, duplicate: true })
  t.match(await store.broadcastStatus(APP, 'all'), { state: 'pending', acknowledged: 0 })
  t.match(await store.recallBroadcast(APP, 'all'), { state: 'recalled' })
  ahead = 2 * DAY
  await store.sweep()
  t.equal(await client.exists(own, ofApp), 0, 'they are forgotten')
})
