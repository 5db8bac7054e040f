// Is what keeps a QoS 2 message from coming twice forgotten in its order, late, and early only where there is too much of it?
import { t } from '../support/tap.ts'
import { ForgetLater } from '../../broker/session/forget-later.ts'
import { eventually } from '../support/index.ts'

const MOST = 100_000

await t.test('after its time, in order', async (t) => {
  let now = 0
  const forgotten: number[] = []
  const later = new ForgetLater({ callMs: 10_000, monotonic: () => now })
  t.teardown(() => later.stop())
  later.add(() => forgotten.push(1))
  now = 30_000
  later.add(() => forgotten.push(2))
  now = 39_999
  later.add(() => forgotten.push(3))
  t.same(forgotten, [])
  now = 40_000
  await eventually('four times what a call may take', () => forgotten.length > 0)
  t.same(forgotten, [1])
  later.stop()
  t.same(forgotten, [1, 2, 3], 'with the process, all')
})

await t.test('the oldest of too many', (t) => {
  const forgotten: number[] = []
  const later = new ForgetLater({ callMs: 0, monotonic: () => 0 })
  for (let at = 0; at < MOST + 2; at += 1) later.add(() => forgotten.push(at))
  t.same(forgotten, [0, 1])
  later.stop()
  t.equal(forgotten.length, MOST + 2)
  t.end()
})
