// Is who acknowledged a broadcast written once a second for all of them, again after a failure, and when a server ends?
import { t } from '../support/tap.ts'
import { BroadcastCounter } from '../../store/broadcast-counter.ts'
import type { BroadcastCount } from '../../store/contract.ts'
import { eventually } from '../support/index.ts'

function open(fails: () => boolean = () => false) {
  const written: { at: number; counts: readonly BroadcastCount[] }[] = []
  const failures: unknown[] = []
  const counter = new BroadcastCounter({
    store: {
      countBroadcasts: async (counts) => {
        if (fails()) throw new Error('away')
        written.push({ at: performance.now(), counts })
      },
    },
    failed: (error) => void failures.push(error),
  })
  return { counter, written, failures }
}

await t.test('added up', async (t) => {
  const { counter, written } = open()
  const since = performance.now()
  for (let device = 0; device < 1_000; device += 1) {
    counter.acknowledged('shop', 7)
    counter.sent(device % 2 === 0 ? 'shop' : 'news', 7)
  }
  await eventually('a write', () => written.length === 1)
  t.ok(written[0]!.at - since >= 900, 'not at once')
  t.same(written[0]!.counts, [
    { app: 'shop', offset: 7, acknowledged: 1_000, sent: 500 },
    { app: 'news', offset: 7, acknowledged: 0, sent: 500 },
  ])
  counter.acknowledged('shop', 8)
  await eventually('another', () => written.length === 2)
  t.ok(written[1]!.at - written[0]!.at >= 900, 'at most once a second')
  t.same(written[1]!.counts, [{ app: 'shop', offset: 8, acknowledged: 1, sent: 0 }])
  await counter.close()
  t.equal(written.length, 2, 'nothing is left')
})

await t.test('while the store is away, and at the end', async (t) => {
  let isAway = true
  const { counter, written, failures } = open(() => isAway)
  counter.acknowledged('shop', 1)
  await eventually('a failure', () => failures.length === 1)
  counter.acknowledged('shop', 1)
  await eventually('another', () => failures.length === 2)
  isAway = false
  counter.sent('shop', 2)
  await counter.close()
  t.same(
    written.map(({ counts }) => counts),
    [
      [
        { app: 'shop', offset: 1, acknowledged: 2, sent: 0 },
        { app: 'shop', offset: 2, acknowledged: 0, sent: 1 },
      ],
    ],
  )
})

await t.test('while the store stays away, memory has a limit', async (t) => {
  let isAway = true
  const { counter, written } = open(() => isAway)
  for (let offset = 0; offset < 20_000; offset += 1) counter.acknowledged('shop', offset)
  isAway = false
  await counter.close()
  t.equal(written.length, 10, 'in parts')
  t.equal(
    written.reduce((sum, { counts }) => sum + counts.length, 0),
    10_000,
  )
})
