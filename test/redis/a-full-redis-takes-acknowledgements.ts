// Does a Redis that is out of memory refuse messages, whole, and still let devices acknowledge and read?
import { t } from '../support/tap.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message, UNAVAILABLE } from './support/people.ts'

await t.test('a full redis takes acknowledgements', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const token = await known(store, 'phone')
  const other = await known(store, 'tablet')
  const send = (id: string) => store.append({ tokenId: token, message: message(id), dedupe: false })
  const [, two] = [await send('one'), await send('two'), await send('three')]

  await redis.cli('config', 'set', 'maxmemory', '1mb')
  const append = store.append({ tokenId: other, message: message('refused'), dedupe: true })
  const commit = store.commit([{ tokenId: token, private: two.offset }])
  await t.rejects(append, UNAVAILABLE)
  t.same(await commit, [], 'an acknowledgement of the same turn frees memory')
  t.same(await ids(store, token), ['three'])
  t.same(await ids(store, other), [], 'nothing of the refused message was written')
  await t.rejects(store.health(), UNAVAILABLE)

  await redis.cli('config', 'set', 'maxmemory', '0')
  t.match(await store.append({ tokenId: other, message: message('refused'), dedupe: true }), { duplicate: false })
  t.same(await ids(store, other), ['refused'])
  await store.health()
})
