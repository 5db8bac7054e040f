// Does a retained message go when its time is over, also after a restart, and leave nothing in Redis?
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { OwnRouter } from '../../broker/aedes/general-router.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from '../redis/support/engine.ts'
import { general, listed, onEachStore, redisRouter, retainedBy } from './support/router.ts'

const PROPERTIES = Buffer.from([0x26, 0, 1, 0x62, 0, 1, 0x31, 0x26, 0, 1, 0x61, 0, 1, 0x32])

let ahead = 0
const now = (): number => Date.now() + ahead

async function expiry(t: Test, open: () => Promise<{ readonly router: OwnRouter }>): Promise<void> {
  ahead = 0
  const { router } = await open()
  const expiresAt = Date.now() + 60_000
  const stays = general('a/stays', 'stays', { retain: true, qos: 2, properties: PROPERTIES })
  await router.publish(stays)
  await router.publish(general('a/for-ever', 'for ever', { retain: true, qos: 0, expiresAt: Infinity }))
  await router.publish(general('a/goes', 'goes', { retain: true, expiresAt }))
  t.match(await retainedBy((await open()).router, 'a/#'), { 'a/stays': 'stays', 'a/goes': 'goes' })
  ahead = 60_001
  const again = (await open()).router
  t.same(await retainedBy(again, 'a/goes'), {})
  t.same(Object.keys(await retainedBy(again, 'a/+')).sort(), ['a/for-ever', 'a/stays'])
  const [found] = await listed(again.retained('a/stays'))
  t.same(found, { ...found, id: stays.id, qos: 2, expiresAt: stays.expiresAt, storedAt: stays.storedAt })
  t.same(Buffer.from(found?.properties ?? []), PROPERTIES, 'properties in their order')
}

await onEachStore(t, expiry, now)

await t.test('in Redis', async (t) => {
  const redis = await startRedis(t)
  await redisStore(t, { url: redis.url })
  const { router } = await redisRouter(t, redis.url)
  await router.publish(general('a[1]/goes', 'goes', { retain: true, expiresAt: Date.now() + 1 }))
  await pause(2)
  t.same(await retainedBy(router, 'a[1]/#'), {})
  await eventually('no hash', async () => (await redis.cli('exists', 'push:mqtt:retained')) === '0')
})
