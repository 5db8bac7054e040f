// A node dies after a session has ended and before its subscriptions have: does the next sweep, session or message end them?
import { t } from '../support/tap.ts'
import { subscriptionsBase } from '../../store/redis/keys.ts'
import { Names } from '../../store/redis/names.ts'
import * as steps from '../../store/redis/steps.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { deliver, subscribe, subscribedTo } from './support/named.ts'
import { thriceLanes } from './support/thrice.ts'

await t.test('the session has ended, its subscriptions have not', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1 } })
  const { lanes } = await thriceLanes(t, redis.url)
  const names = new Names('push')
  /** As the node did that died, up to the step after which it did. */
  const halfDone = async (name: string): Promise<number> => {
    const place = names.placeOf(name)
    const epoch = steps.asNumber((await lanes.run(steps.OPEN_NAMED, ...place, false, -1))[0])
    await lanes.run(steps.SUBSCRIBE, ...place, epoch, -1)
    const change = [place[1], place[2], epoch, false, false, 'a', 'options']
    await lanes.run(steps.CHANGE_SUBSCRIPTIONS, subscriptionsBase('push'), ...change)
    await lanes.run(steps.CLOSE_NAMED, ...place, epoch, -1, false, 0)
    return epoch
  }

  for (const name of ['swept', 'opened', 'gets a message']) await halfDone(name)
  t.same(await subscribedTo(store, 'swept'), ['a'])
  const opened = await store.openNamedSession('opened', false)
  t.same(await subscribedTo(store, 'opened'), [], 'what comes after it finds none of them')
  await subscribe(store, 'opened', opened.epoch, 'b')

  t.same(await deliver(store, ['gets a message'], 'one'), ['gone'])
  await eventually('no subscription', async () => (await subscribedTo(store, 'gets a message')).length === 0)

  await store.sweep()
  t.same(await subscribedTo(store, 'swept'), [])
  t.same(await subscribedTo(store, 'opened'), ['b'], 'and nothing of a newer session is ended')
  t.equal((await redis.cli('keys', '{push:*}z')).trim(), '', 'nothing is left to do')
})

await t.test('a subscription of a session that Redis lost', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const { epoch } = await store.openNamedSession('lost', false)
  await subscribe(store, 'lost', epoch, 'a')
  await store.closeNamedSession('lost', epoch, { state: Buffer.from(''), stateExpiresAt: Infinity })
  await redis.cli('del', `${new Names('push').placeOf('lost')[0]}y`)
  t.same(await deliver(store, ['lost'], 'one'), ['gone'])
  await eventually('no subscription', async () => (await subscribedTo(store, 'lost')).length === 0)
})

await t.test('a change that is late', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const { lanes } = await thriceLanes(t, redis.url)
  const place = new Names('push').placeOf('late')
  const epoch = steps.asNumber((await lanes.run(steps.OPEN_NAMED, ...place, false, -1))[0])
  await lanes.run(steps.SUBSCRIBE, ...place, epoch, -1)
  // It has passed the slot of its session when another node begins anew.
  await store.openNamedSession('late', true)
  const late = lanes.run(
    steps.CHANGE_SUBSCRIPTIONS,
    subscriptionsBase('push'),
    ...[place[1], place[2], epoch, false, false, 'a', 'options'],
  )
  await t.rejects(late, { code: 'SESSION_TAKEN_OVER' })
  t.same(await subscribedTo(store, 'late'), [])
})
