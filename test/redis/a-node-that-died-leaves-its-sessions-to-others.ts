// A node is gone, and nobody closes its sessions: do the others, each for as long as it was to be kept, and no other's?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { eventually, startRedis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { deliver, HOUR, SessionEar, subscribe, subscribedTo, textsOf } from './support/named.ts'

const MINUTE = 60_000
const TAKEN_OVER = { code: 'SESSION_TAKEN_OVER' }
const STATE = Buffer.from('state')

interface Clock {
  ahead: number
}

async function nodes(t: Test, url: string): Promise<{ lives: Store; dies: Store; clock: Clock; now: () => number }> {
  const clock = { ahead: 0 }
  const now = (): number => Date.now() + clock.ahead
  const options = { url, now, limits: { sweepMs: 2 ** 31 - 1 } }
  const lives = await redisStore(t, options)
  const dies = openRedisStore(options)
  await dies.open()
  return { lives, dies, clock, now }
}

async function opened(store: Store, name: string, keptMs?: number): Promise<number> {
  const { epoch } = await store.openNamedSession(name, false, keptMs)
  await store.saveNamedSession(name, epoch, STATE)
  await subscribe(store, name, epoch, `topic of ${name}`)
  return epoch
}

await onServerAndCluster(t, async (t, url) => {
  const { lives, dies, clock } = await nodes(t, url)
  await opened(dies, 'for ever')
  await opened(dies, 'for an hour', HOUR)
  await opened(dies, 'not kept', 0)
  await opened(lives, 'of another', 0)
  await dies.close()
  const before = await lives.subscriptionsEnd()

  clock.ahead = 9 * MINUTE
  await lives.sweep()
  t.same(await deliver(lives, ['not kept'], 'one'), ['stored'], 'it may come back')

  clock.ahead = 11 * MINUTE
  await lives.sweep()
  t.same(await deliver(lives, ['not kept', 'for ever', 'for an hour', 'of another'], 'two'), [
    'gone',
    'stored',
    'stored',
    'stored',
  ])
  t.same(await subscribedTo(lives, 'not kept'), [])
  const slice = await lives.readSubscriptions(before, 100)
  t.match(slice?.changes, [{ name: 'not kept', replaces: true, filters: [] }], 'its end is a change')
  t.equal(slice?.changes.length, 1)

  clock.ahead += HOUR
  await lives.sweep()
  t.same(await deliver(lives, ['for ever', 'for an hour', 'of another'], 'three'), ['stored', 'gone', 'stored'])
  t.same(await textsOf(lives, 'for ever'), ['two', 'three'])
  t.same(await subscribedTo(lives, 'for an hour'), [])
  const { state, unclean } = await lives.openNamedSession('for ever', false)
  t.equal(state && Buffer.from(state).toString(), 'state', 'as it was last kept')
  t.equal(unclean, true)
})

await t.test('a node that was only cut off', async (t) => {
  const redis = await startRedis(t)
  const { lives, dies, clock } = await nodes(t, redis.url)
  t.teardown(() => dies.close())
  const ear = new SessionEar()
  dies.watch(ear)
  const epoch = await opened(dies, 'not kept', 0)
  const kept = await opened(dies, 'kept', HOUR)
  clock.ahead = 11 * MINUTE
  await lives.sweep()
  await eventually('news of both', () => ear.ends.length === 2)
  t.same([...ear.ends].sort(), [`kept ${kept}`, `not kept ${epoch}`])
  await t.rejects(dies.saveNamedSession('not kept', epoch, STATE), TAKEN_OVER)
  await t.rejects(dies.saveNamedSession('kept', kept, STATE), TAKEN_OVER)

  const again = await opened(dies, 'not kept', 0)
  await lives.sweep()
  await dies.saveNamedSession('not kept', again, STATE)
  t.same(await deliver(lives, ['not kept'], 'one'), ['stored'], 'what it opened since is its own')
})

await t.test('what it costs, and what stays', async (t) => {
  const redis = await startRedis(t)
  const { lives, dies, clock } = await nodes(t, redis.url)
  const count = 2_000
  const names = Array.from({ length: count }, (_, number) => `name ${number}`)
  await Promise.all(names.map((name) => dies.openNamedSession(name, false, 0)))
  await dies.close()
  clock.ahead = 11 * MINUTE
  await redis.cli('config', 'resetstat')
  await lives.sweep()
  const scans = Number(/cmdstat_hscan:calls=(\d+)/.exec(await redis.cli('info', 'commandstats'))?.[1])
  t.ok(scans <= 512, `few sessions at a time: ${scans}`)
  t.same(await deliver(lives, names.slice(0, 3), 'one'), ['gone', 'gone', 'gone'])

  clock.ahead = 13 * MINUTE
  await lives.sweep()
  t.equal(await redis.cli('zcard', '{push:nodes}n'), '1', 'the node is forgotten')
  await redis.cli('config', 'resetstat')
  await lives.sweep()
  t.notMatch(await redis.cli('info', 'commandstats'), /cmdstat_hscan/, 'where no node is dead, nothing is gone through')
})
