// Redis loses everything: do sessions that are open have their subscriptions again, and does every node read them?
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { deliver, subscribe, subscribedTo, textsOf } from './support/named.ts'

const STATE = Buffer.from('state')

await onServerAndCluster(t, async (t, url, servers) => {
  const [one, two] = [await redisStore(t, { url }), await redisStore(t, { url })]
  const { epoch } = await one.openNamedSession('stays', false)
  await one.saveNamedSession('stays', epoch, STATE)
  await subscribe(one, 'stays', epoch, 'a', 'b')
  await one.changeSubscriptions({ name: 'stays', epoch, replaces: false, filters: [['b'], ['c', STATE]] })

  const before = await two.openNamedSession('resumed', false)
  await subscribe(two, 'resumed', before.epoch, 'd', 'e')
  await two.closeNamedSession('resumed', before.epoch, { state: STATE, stateExpiresAt: Infinity })
  const resumed = await two.openNamedSession('resumed', false)
  t.same(await subscribedTo(two, 'resumed'), ['d', 'e'], 'as who resumes it asks')
  await two.changeSubscriptions({ name: 'resumed', epoch: resumed.epoch, replaces: false, filters: [['d']] })
  const end = await two.subscriptionsEnd()

  for (const server of servers) {
    await server.cli('flushall')
    await server.cli('script', 'flush')
  }
  // Whatever calls each of them first shows it.
  await eventually('both sessions', async () => {
    await Promise.all([one.openNamedSession('one', true), two.openNamedSession('two', true)])
    return (await subscribedTo(one, 'stays')).length === 2 && (await subscribedTo(two, 'resumed')).length === 1
  })
  t.same(await subscribedTo(two, 'stays'), ['a', 'c'])
  t.same(await subscribedTo(one, 'resumed'), ['e'])
  t.equal(await one.readSubscriptions(end, 10), undefined, 'all are to be read again')
  const names: string[] = []
  for await (const { name } of one.subscriptions()) names.push(name)
  t.same(names.sort(), ['resumed', 'stays'])
  t.same(await deliver(two, ['stays', 'resumed'], 'one'), ['stored', 'stored'])
  t.same(await textsOf(one, 'stays'), ['one'])
})
