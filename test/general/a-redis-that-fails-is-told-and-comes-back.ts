// A Redis that is full, gone or hangs: is every publisher told, is nothing left out without a word, and does all come back?
import { t } from '../support/tap.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { general, listen, listenKept, logOf, redisRouter, retainedBy } from './support/router.ts'

const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' }

/** Until `end`, the work is refused; from then on, it is done. */
const FAULTS: Readonly<Record<string, (redis: Redis) => Promise<() => unknown>>> = {
  full: async (redis) => {
    await redis.cli('config', 'set', 'maxmemory', '1')
    return () => redis.cli('config', 'set', 'maxmemory', '0')
  },
  gone: async (redis) => {
    await redis.kill()
    return () => redis.restart()
  },
  hanging: async (redis) => {
    redis.freeze()
    return () => redis.thaw()
  },
}

for (const [fault, begin] of Object.entries(FAULTS)) {
  await t.test(fault, async (t) => {
    const redis = await startRedis(t)
    const { store, router } = await redisRouter(t, redis.url)
    const live = await listen(router, 'live', '#')
    await listenKept(store, router, 'kept', 'kept/#')
    await router.publish(general('a/0', 'before', { retain: true }))
    const end = await begin(redis)
    const retain = ([0, 1, 2] as const).map((qos) => router.publish(general(`a/x/${qos}`, 'x', { retain: true, qos })))
    await Promise.all(retain.map((publish) => t.rejects(publish, UNAVAILABLE, 'what it retains')))
    await t.rejects(router.publish(general('kept/1', 'refused')), UNAVAILABLE, 'what a session is to have')
    if (fault !== 'full') await t.rejects(retainedBy(router, 'a/+'), UNAVAILABLE, 'what is retained')
    t.same(live.texts, ['before'])
    await end()
    await eventually('all is taken', () => router.publish(general('a/2', 'after', { retain: true })))
    await router.publish(general('kept/1', 'stored'))
    t.match(await retainedBy(router, 'a/+'), { 'a/0': 'before', 'a/2': 'after' })
    t.equal((await logOf(store, 'kept')).at(-1), 'stored')
    t.equal(live.texts.at(-1), 'stored')
  })
}
