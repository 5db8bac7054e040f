// Does a session that subscribed to a topic several times get one message, with what all of them ask for?
import { t } from '../support/tap.ts'
import { embeddedRouter, general, listen, listenKept } from './support/router.ts'

await t.test('three filters', async (t) => {
  const { store, router } = await embeddedRouter(t)
  const filters = [
    { filter: 'a/b', qos: 1, identifier: 7 },
    { filter: 'a/+', qos: 0, identifier: 268_435_455, retainAsPublished: true },
    { filter: '#', qos: 2, noLocal: true, identifier: 9 },
    { filter: 'b', qos: 2 },
  ] as const
  const live = await listen(router, 'live', ...filters)
  await listenKept(store, router, 'kept', ...filters)
  for (const from of ['publisher', 'live', 'kept'])
    await router.publish(general('a/b', `by ${from}`, { qos: 2, retain: true, from }))

  const all = { qos: 2, retain: true, identifiers: [7, 9, 268_435_455] }
  const own = { qos: 1, retain: true, identifiers: [7, 268_435_455] }
  t.same(
    live.arrivals.map(([, { qos, retain, identifiers }]) => ({ qos, retain, identifiers })),
    [all, own, all],
  )
  const { entries } = await store.readSession('kept', 0, { entries: 10, bytes: 10_000 })
  t.same(
    entries.map(({ qos, retain, identifiers }) => ({ qos, retain, identifiers })),
    [all, all, own],
  )
})

await t.test('who hears nothing of its own is a subscriber still', async (t) => {
  const { router } = await embeddedRouter(t)
  await listen(router, 'live', { filter: 'a', qos: 1, noLocal: true })
  t.equal(await router.publish(general('a', 'own', { from: 'live' })), true)
  t.equal(await router.publish(general('b', 'nobody', { from: 'live' })), false)
})
