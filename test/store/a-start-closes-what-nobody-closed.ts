// Does a start cost the same however many sessions there are, and do those that an earlier run held end as if it had closed them then?
import { ClassicLevel } from 'classic-level'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { deliver, entriesOf, kindsOf, openLevel } from './support/level.ts'

const HOUR = 3_600_000
const STATE = Buffer.from('state')

/** What reads the disk, counted. */
function countReads(t: Test): () => number {
  let reads = 0
  const { prototype } = ClassicLevel
  const { getSync, keys, values, iterator } = prototype
  const counted = <Call extends (...args: never[]) => unknown>(call: Call): Call =>
    function (this: unknown, ...args: never[]) {
      reads += 1
      return call.apply(this, args)
    } as Call
  Object.assign(prototype, {
    getSync: counted(getSync),
    keys: counted(keys),
    values: counted(values),
    iterator: counted(iterator),
  })
  t.teardown(() => Object.assign(prototype, { getSync, keys, values, iterator }))
  return () => {
    const before = reads
    reads = 0
    return before
  }
}

await t.test('a start', async (t) => {
  let writes = 0
  const { store } = await openLevel(t, { beforeSync: async () => void writes++ })
  const readSince = countReads(t)
  const costs: [reads: number, writes: number][] = []
  for (const count of [10, 3_000]) {
    const names = Array.from({ length: count }, (_, at) => `${count} ${at}`)
    await Promise.all(
      names.map(async (name) => {
        const { epoch } = await store.openNamedSession(name, false, HOUR)
        await store.changeSubscriptions({ name, epoch, replaces: true, filters: [['a', Buffer.alloc(1)]] })
      }),
    )
    await deliver(store, names)
    await store.close()
    readSince()
    writes = 0
    await store.open()
    costs.push([readSince(), writes])
  }
  t.same(costs[1], costs[0])
  t.ok((costs[0]?.[0] ?? 0) < 10)
  t.equal(costs[0]?.[1], 1, 'its time, as sessions end by it')
  await store.close()
  const before = writes
  await store.open()
  await store.sweep()
  t.ok(writes > before + 2, 'who was held is closed in portions')
})

await t.test('who was held by an earlier run', async (t) => {
  let now = 1_800_000_000_000
  const opened = await openLevel(t, { now: () => now })
  const { store } = opened
  const restart = async () => {
    await store.close()
    await store.open()
  }
  const begin = async (name: string, keptMs?: number) => {
    const { epoch } = await store.openNamedSession(name, false, keptMs)
    await store.saveNamedSession(name, epoch, STATE)
    await deliver(store, [name], { now, ttl: 100 * HOUR })
    return epoch
  }
  await begin('an hour', HOUR)
  await begin('two hours', 2 * HOUR)
  await begin('comes back', HOUR)
  await begin('not kept', 0)
  const epoch = await begin('for ever')
  now += 10 * HOUR
  t.equal((await entriesOf(store, 'an hour')).length, 1, 'it is held as long as the process runs')
  await restart()
  t.match(await store.openNamedSession('not kept', false, 0), { unclean: false })
  const back = await store.openNamedSession('comes back', false, HOUR)
  t.match(back, { state: STATE, unclean: true })
  now += HOUR - 1
  await restart()
  await restart()
  t.equal((await entriesOf(store, 'an hour')).length, 1)
  now += 1
  t.equal((await entriesOf(store, 'an hour')).length, 0, 'an hour after the first start')
  t.same(await deliver(store, ['an hour', 'two hours', 'comes back']), ['gone', 'stored', 'stored'])
  await store.sweep()
  t.match(await kindsOf(opened), { [Kind.namedSession]: 3 })
  now += HOUR - 2
  t.match(await store.openNamedSession('comes back', false, HOUR), { state: STATE, unclean: true }, 'since the second')
  now += 2
  await store.sweep()
  const left = await kindsOf(opened)
  t.match(left, { [Kind.namedSession]: 2, [Kind.heldSession]: 1 }, 'who comes back, and who is kept for ever')
  t.match(await store.openNamedSession('for ever', false), { epoch: epoch + 1, state: STATE, unclean: true })
})
