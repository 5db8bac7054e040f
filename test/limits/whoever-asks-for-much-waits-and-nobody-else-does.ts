// Does a client whose packets cost much wait for its share, over reconnections too, while others have their turns?
import { t } from '../support/tap.ts'
import { workOf } from '../../broker/gate/work.ts'
import type { Packet } from '../../broker/codec/packets.ts'
import { SLICE, Turns } from '../../common/turns.ts'
import { WorkBudgets } from '../../common/work-budgets.ts'

await t.test('a session waits for what it used beyond a second, and for no longer', async (t) => {
  let now = 0
  const budgets = new WorkBudgets(1_000, new Turns(), () => now)
  t.equal(budgets.spend('one', 1_000), 0, 'a second of it at once')
  t.equal(budgets.spend('one', 500), 500)
  t.equal(budgets.spend('two', 1_000), 0, 'another session has its own')
  now = 500
  t.equal(budgets.spend('one', 100), 100, 'half a second later it has half of it again')
  now = 60_000
  t.equal(budgets.spend('one', 1_000), 0, 'a minute without work is worth a second of it')
  now = 0
  t.equal(budgets.spend('one', 0), 0)
})

await t.test('0 is without limit', async (t) => {
  t.equal(new WorkBudgets(0, new Turns(), () => 0).spend('one', 1e9), 0)
})

await t.test('keys take turns, one a turn of the event loop', async (t) => {
  const turns = new Turns()
  t.ok(turns.spend(SLICE - 1))
  t.notOk(turns.spend(1))
  const order: string[] = []
  const wait = async (key: string, name: string) => {
    await turns.next(key)
    order.push(name)
  }
  await Promise.all([wait('busy', 'b1'), wait('busy', 'b2'), wait('busy', 'b3'), wait('quiet', 'q1')])
  t.same(order, ['b1', 'q1', 'b2', 'b3'])
  t.ok(turns.spend(1), 'each turn begins with nothing spent')
})

await t.test('what costs more counts for more', async (t) => {
  const subscription = { filter: 'a', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const frame = { raw: Buffer.alloc(0), properties: {}, packetId: 1 }
  const subscribe = (filters: number): Packet => ({
    ...frame,
    size: 10,
    type: 'subscribe',
    subscriptions: Array.from({ length: filters }, () => subscription),
  })
  const unsubscribe: Packet = { ...frame, size: 10, type: 'unsubscribe', filters: ['a'] }
  t.equal(workOf(subscribe(1)), 1_200)
  t.equal(workOf(subscribe(100)), 21_000)
  t.equal(workOf(unsubscribe), 1_200)
  t.equal(workOf({ raw: frame.raw, size: 2, type: 'pingreq' }), 50)
})
