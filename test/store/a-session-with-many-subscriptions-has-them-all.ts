// Is the table of subscriptions what was subscribed, however many a session has, and also after the store was opened again?
import * as fc from 'fast-check'
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { kindsOf, openLevel } from './support/level.ts'

const filter = fc.oneof(
  { weight: 9, arbitrary: fc.nat(60).map((number) => `f/${number}`) },
  { weight: 1, arbitrary: fc.constantFrom('ä/\u{1f600}/+', '#', '9', '1/2') },
)
const options = fc.option(fc.uint8Array({ maxLength: 8 }), { nil: undefined })
const change = fc.record({
  name: fc.constantFrom('one', 'two', 'ü/3'),
  replaces: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
  filters: fc.array(fc.tuple(filter, options), { maxLength: 50 }),
})

await t.test('any changes', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      const { store } = await openLevel(t)
      const wanted = new Map<string, Map<string, string>>()
      const epochs = new Map<string, number>()
      for (const name of ['one', 'two', 'ü/3']) {
        epochs.set(name, (await store.openNamedSession(name, false)).epoch)
        wanted.set(name, new Map())
      }
      for (const { name, replaces, filters } of changes) {
        const epoch = epochs.get(name) ?? 0
        const list = filters.map(([each, bytes]): [string, Uint8Array?] => (bytes ? [each, bytes] : [each]))
        await store.changeSubscriptions({ name, epoch, replaces, filters: list })
        const model = wanted.get(name)!
        if (replaces) model.clear()
        for (const [each, bytes] of filters) {
          if (bytes === undefined) model.delete(each)
          else model.set(each, Buffer.from(bytes).toString('hex'))
        }
      }
      await store.close()
      await store.open()
      const found = new Map<string, Map<string, string>>()
      for await (const { name, filters } of store.subscriptions())
        found.set(
          name,
          new Map(filters.map(([each, bytes]): [string, string] => [each, Buffer.from(bytes).toString('hex')])),
        )
      for (const [name, model] of wanted) {
        if (model.size === 0) continue
        t.same(sorted(found.get(name)), sorted(model))
      }
      t.equal(found.size, [...wanted.values()].filter(({ size }) => size > 0).length)
    }),
    { numRuns: 40 },
  )
})

function sorted(filters: ReadonlyMap<string, string> | undefined): [string, string][] {
  return [...(filters ?? [])].toSorted()
}

await t.test('most sessions have one row', async (t) => {
  const opened = await openLevel(t)
  const { store } = opened
  const { epoch } = await store.openNamedSession('name', false)
  const change = (numbers: readonly number[], bytes?: Uint8Array) =>
    store.changeSubscriptions({
      name: 'name',
      epoch,
      replaces: false,
      filters: numbers.map((number): [string, Uint8Array?] => (bytes ? [`${number}`, bytes] : [`${number}`])),
    })
  const numbers = Array.from({ length: 40 }, (_, number) => number)
  await change(numbers.slice(0, 32), Buffer.from('x'))
  t.match(await kindsOf(opened), { [Kind.subscription]: 1 })
  await change(numbers, Buffer.from('x'))
  t.match(await kindsOf(opened), { [Kind.subscription]: 9 })
  await change(numbers.slice(20))
  t.match(await kindsOf(opened), { [Kind.subscription]: 1 })
  t.equal((await store.subscriptionsOf('name'))?.filters.length, 20)
})
