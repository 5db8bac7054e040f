// How many changes of subscriptions are kept, and what hears who is further behind?
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { kindsOf, openLevel } from './support/level.ts'

await t.test('ten thousand changes', async (t) => {
  const opened = await openLevel(t)
  const { store } = opened
  const { epoch } = await store.openNamedSession('name', false)
  const change = (filter: string, options?: Uint8Array) =>
    store.changeSubscriptions({
      name: 'name',
      epoch,
      replaces: false,
      filters: [options === undefined ? [filter] : [filter, options]],
    })
  const all = await Promise.all(
    Array.from({ length: 10_050 }, (_, at) => change(`f/${at % 7}`, Buffer.from(String(at)))),
  )
  const end = all.at(-1) ?? 0
  t.equal(await store.subscriptionsEnd(), end)
  t.match(await kindsOf(opened), { [Kind.subscriptionChange]: 10_000 })
  t.equal(await store.readSubscriptions(0, 100), undefined)
  t.equal(await store.readSubscriptions(end - 10_001, 100), undefined)
  const oldest = await store.readSubscriptions(end - 10_000, 100)
  t.equal(oldest?.changes.length, 100)
  t.match(oldest, { readTo: end - 9_900, end })
  t.match(await store.readSubscriptions(end - 1, 100), {
    changes: [{ offset: end, name: 'name', epoch, replaces: false }],
    readTo: end,
  })
  t.same(await store.readSubscriptions(end, 100), { changes: [], readTo: end, end })
  t.equal(await store.readSubscriptions(end + 1, 100), undefined, 'what was never given')
  const { filters = [] } = (await store.subscriptionsOf('name')) ?? {}
  t.same(filters.map(([filter]) => filter).sort(), ['f/0', 'f/1', 'f/2', 'f/3', 'f/4', 'f/5', 'f/6'])
})

await t.test('large changes', async (t) => {
  const opened = await openLevel(t)
  const { store } = opened
  const { epoch } = await store.openNamedSession('name', false)
  const filters = Array.from({ length: 60 }, (_, at): [string, Uint8Array] => [
    `${at}/${'x'.repeat(60_000)}`,
    Buffer.alloc(1),
  ])
  for (let round = 0; round < 8; round += 1)
    await store.changeSubscriptions({ name: 'name', epoch, replaces: true, filters })
  t.match(await kindsOf(opened), { [Kind.subscriptionChange]: 4 }, 'of 3.6 MB each, in 16 MiB')
  await store.sweep()
  t.match(await kindsOf(opened), { [Kind.subscription]: 61 }, 'and one table')
})
