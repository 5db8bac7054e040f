// The log of subscription changes holds the newest: is who comes too late told to read everything, and who does not, not?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { subscribe, subscribedTo } from './support/named.ts'

const KEPT = 10_000
const TOGETHER = 500

await t.test('ten thousand changes', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url })
  const { epoch } = await store.openNamedSession('one', false)
  const first = await subscribe(store, 'one', epoch, 'a')
  for (let made = 0; made < KEPT; made += TOGETHER) {
    await Promise.all(Array.from({ length: TOGETHER }, () => subscribe(store, 'one', epoch, 'a')))
  }
  t.equal(await store.subscriptionsEnd(), first + KEPT)
  t.equal(await redis.cli('hlen', '{push:subs}l'), String(KEPT))
  t.equal(await store.readSubscriptions(first - 1, 1), undefined, 'the first one is gone')
  t.equal(await store.readSubscriptions(0, 1), undefined)
  t.match(await store.readSubscriptions(first, 1), { changes: [{ offset: first + 1 }], readTo: first + 1 })
  t.match(await store.readSubscriptions(first + KEPT, 1), { changes: [], readTo: first + KEPT })
})

await t.test('a restart that lost the newest', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url })
  const { epoch } = await store.openNamedSession('one', false)
  await subscribe(store, 'one', epoch, 'a')
  const kept = await store.openNamedSession('kept', false)
  const saved = await subscribe(store, 'kept', kept.epoch, 'a')
  await store.closeNamedSession('kept', kept.epoch, { state: Buffer.from(''), stateExpiresAt: Infinity })
  await redis.cli('save')
  const lost = await subscribe(store, 'one', epoch, 'b')
  await redis.restart()
  await eventually('a change', async () => {
    await subscribe(store, 'one', epoch, 'c')
    return true
  })
  t.equal(await store.readSubscriptions(lost, 10), undefined, 'another change had this place')
  t.equal(await store.readSubscriptions(saved, 10), undefined)
  t.ok((await store.subscriptionsEnd()) > lost)
  await eventually('what was lost is put back', async () => (await subscribedTo(store, 'one')).length === 3)
  t.same(await subscribedTo(store, 'kept'), ['a'])
})
