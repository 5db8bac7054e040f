// Does a node that publishes one message after the other go without asking Redis for subscriptions, and miss none?
import { t } from '../support/tap.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { eventually, startRedis } from '../support/index.ts'
import { general, listen, redisRouter, subscription } from './support/router.ts'

const MESSAGES = 500
/** Looks before it has a lease, and renewals. A look for each message would be 500. */
const MOST = 50

await t.test('on two nodes', async (t) => {
  const redis = await startRedis(t)
  const [one, two] = [await redisRouter(t, redis.url), await redisRouter(t, redis.url)]
  const live = await listen(two.router, 'live')
  await two.router.subscribe(live, [subscription({ filter: 'a/+', qos: 1 })])
  await eventually('it relies on its table', async () => {
    await two.router.publish(general('a/before', 'before'))
    return two.store.subscriptionLease!.isHeld
  })
  const before = live.texts.length
  const observer = new RedisObserver(t, redis)
  const { commands } = await observer.of(async () => {
    for (let at = 0; at < MESSAGES; at += 1) await two.router.publish(general('a/b', String(at), { qos: 1 }))
  })
  t.same(
    live.texts.slice(before),
    Array.from({ length: MESSAGES }, (_, at) => String(at)),
  )
  const asked = (commands['get'] ?? 0) + (commands['fcall'] ?? 0)
  t.comment(JSON.stringify(commands))
  t.ok(asked < MOST, `${asked} questions for ${MESSAGES} messages`)

  // Without one in between, each is known when it has resolved.
  for (let at = 0; at < 100; at += 1) {
    const later = await listen(one.router, `later ${at}`)
    await one.router.subscribe(later, [subscription({ filter: `later/${at}`, qos: 1 })])
    t.ok(two.store.subscriptionLease!.isHeld || at > 0)
    await two.router.publish(general(`later/${at}`, 'it', { qos: 1 }))
    await eventually('it has it', () => later.texts.length === 1)
  }
})
