// Do many processes together give out no more than a quota, and all of it, with few writes?
import { t } from '../support/tap.ts'
import { QuotaLeases, openLevelStore } from '../../store/index.ts'
import { temporaryFolder } from '../support/index.ts'

const NOW = Date.UTC(2030, 0, 1)

interface World {
  now: number
  writes: number
  readonly node: () => QuotaLeases
}

async function world(t: Parameters<typeof temporaryFolder>[0]): Promise<World> {
  const made: World = { now: NOW, writes: 0, node: () => new QuotaLeases({ now: () => made.now, store: counting }) }
  const store = openLevelStore({ directory: temporaryFolder(t, 'quotas'), now: () => made.now })
  const counting: ConstructorParameters<typeof QuotaLeases>[0]['store'] = {
    readRow: (table, key) => store.readRow(table, key),
    writeRow(write) {
      made.writes += 1
      return store.writeRow(write)
    },
  }
  await store.open()
  t.teardown(() => store.close())
  return made
}

const holder = (count: number, seconds = 60) => ({ keyId: 'k', quotas: { receivers: [{ count, seconds }] } })
/** True where it was given. */
const given = (taking: Promise<void> | undefined): Promise<boolean> =>
  Promise.resolve(taking).then(
    () => true,
    (error: { code?: string }) => {
      if (error.code !== 'QUOTA_EXCEEDED') throw error
      return false
    },
  )

for (const [count, receivers] of [
  [1_000, 1],
  [1_000, 7],
  [10, 1],
  [1, 1],
  [100_000, 1_000],
] as const) {
  await t.test(`${count}, ${receivers} at a time, by five processes`, async (t) => {
    const made = await world(t)
    const nodes = Array.from({ length: 5 }, made.node)
    const provider = holder(count)
    let used = 0
    // Each until it is refused, all at once.
    await Promise.all(
      nodes.map(async (node) => {
        while (await given(node.take(provider, receivers))) used += receivers
      }),
    )
    t.ok(used <= count, `${used} of ${count}`)
    // What a process has left is less than it was asked for.
    t.ok(used > count - nodes.length * receivers, `and no more than a rest each is unused: ${used}`)
    const writes = made.writes
    for (const node of nodes) t.notOk(await given(node.take(provider, count)))
    t.equal(made.writes, writes, 'a refusal costs no write')
    made.now += 60_000
    t.ok(await given(nodes[0]?.take(provider, receivers)), 'the next window')
    t.ok(writes <= 101 * nodes.length, `${writes} writes for ${used}`)
  })
}

await t.test('in one process, in the order of the calls', async (t) => {
  const made = await world(t)
  const node = made.node()
  const provider = holder(40)
  const order: number[] = []
  await Promise.all(
    Array.from({ length: 60 }, async (_, number) => {
      if (await given(node.take(provider, 1))) order.push(number)
    }),
  )
  t.same(
    order,
    Array.from({ length: 40 }, (_, number) => number),
  )
})

await t.test('what is given back counts in its own window only', async (t) => {
  const made = await world(t)
  const node = made.node()
  const provider = holder(10)
  const since = made.now
  t.ok(await given(node.take(provider, 10)))
  node.giveBack(provider, 4, since)
  t.same([await given(node.take(provider, 4)), await given(node.take(provider, 1))], [true, false])
  made.now += 60_000
  t.ok(await given(node.take(provider, 10)))
  node.giveBack(provider, 10, since)
  t.notOk(await given(node.take(provider, 1)))
})

await t.test('a process that starts again goes on where it was', async (t) => {
  const made = await world(t)
  const provider = holder(5)
  t.ok(await given(made.node().take(provider, 3)))
  const next = made.node()
  t.same([await given(next.take(provider, 3)), await given(next.take(provider, 2))], [false, true])
})
