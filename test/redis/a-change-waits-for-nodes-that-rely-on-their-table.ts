// Does a subscription resolve only when no other node relies on a table of subscriptions without it?
import { t } from '../support/tap.ts'
import { setImmediate as turn } from 'node:timers/promises'
import type { Store, SubscriptionLease } from '../../store/contract.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { SessionEar, subscribe } from './support/named.ts'

interface World {
  readonly redis: Redis
  readonly one: Store
  readonly two: Store
  readonly lease: SubscriptionLease
  /** Who changed what, as node two hears. */
  readonly heard: { readonly offset: number; readonly by: string | undefined }[]
  readonly epoch: number
}

async function world(scope: typeof t): Promise<World> {
  const redis = await startRedis(scope)
  const one = await redisStore(scope, { url: redis.url, node: 'one' })
  const two = await redisStore(scope, { url: redis.url, node: 'two' })
  const lease = two.subscriptionLease!
  const heard: World['heard'] = []
  const ear = Object.assign(new SessionEar(), {
    subscriptionsChanged: (offset: number, by?: string) => void heard.push({ offset, by }),
  })
  scope.teardown(two.watch(ear))
  const { epoch } = await one.openNamedSession('session', false)
  return { redis, one, two, lease, heard, epoch }
}

/** A change at node one, and whether it has resolved. */
function change({ one, epoch }: World, filter: string): { readonly resolved: Promise<number>; isResolved: boolean } {
  const made = { resolved: subscribe(one, 'session', epoch, filter), isResolved: false }
  made.resolved.then(
    () => (made.isResolved = true),
    () => undefined,
  )
  return made
}

await t.test('it waits until the node has confirmed', async (t) => {
  const all = await world(t)
  await all.lease.renew(() => undefined)
  t.ok(all.lease.isHeld)
  const made = change(all, 'a')
  await eventually('node two hears of it', () => all.heard.length === 1)
  const [{ offset, by }] = all.heard as [World['heard'][number]]
  t.equal(by, 'one')
  // Of what came before it: it goes on waiting.
  await all.lease.confirm(offset - 1, ['one'])
  await all.two.subscriptionsEnd()
  await turn()
  t.notOk(made.isResolved && all.lease.isHeld)
  await all.lease.confirm(offset, ['one'])
  t.equal(await made.resolved, offset)
})

await t.test('or until its lease is over', async (t) => {
  const all = await world(t)
  await all.lease.renew(() => undefined)
  const made = change(all, 'a')
  await made.resolved
  t.notOk(all.lease.isHeld, 'nobody relies on a table without it')
  t.ok(all.lease.isAging)
})

await t.test('a node that renews its lease meanwhile reads it first', async (t) => {
  const all = await world(t)
  await all.lease.renew(() => undefined)
  const made = change(all, 'a')
  await eventually('node two hears of it', () => all.heard.length === 1)
  let read: ((value?: undefined) => void) | undefined
  let end = 0
  const renewed = all.lease.renew((upTo) => {
    end = upTo
    return new Promise<void>((resolve) => (read = resolve))
  })
  t.equal(await made.resolved, end, 'which the renewal said')
  t.notOk(all.lease.isHeld, 'the table is not read yet')
  read?.()
  await renewed
})

await t.test('who has no lease, or its own only, keeps nobody waiting', async (t) => {
  const all = await world(t)
  await all.one.subscriptionLease!.renew(() => undefined)
  await change(all, 'a').resolved
  t.ok(all.one.subscriptionLease!.isHeld, 'it knows what it changes')
  t.notOk(all.lease.isHeld)
})

await t.test('a lost connection ends the lease', async (t) => {
  const all = await world(t)
  await all.lease.renew(() => undefined)
  await all.redis.cli('client', 'kill', 'type', 'normal')
  await eventually('it is over at once', () => !all.lease.isHeld)
  await eventually('it is there again', async () => {
    await all.lease.renew(() => undefined).catch(() => undefined)
    return all.lease.isHeld
  })
})

await t.test('a Redis that lost the leases is not believed', async (t) => {
  const all = await world(t)
  await all.lease.renew(() => undefined)
  await all.redis.cli('del', '{push:subs}w')
  // What node one meets is another run of Redis.
  await all.redis.cli('hdel', '{push:j}0', 'run')
  const made = change(all, 'a')
  await made.resolved
  t.notOk(all.lease.isHeld)
})
