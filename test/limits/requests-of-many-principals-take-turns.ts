// Do a few requests go on in one turn, and does a principal with many leave every other turn to the others?
import { t } from '../support/tap.ts'
import { RequestTurns } from '../../bridge/request-turns.ts'

await t.test('one with many, and two with few', async (t) => {
  const turns = new RequestTurns(() => performance.now())
  const order: string[] = []
  const ask = async (principal: string, name: string) => {
    const turn = turns.take(principal)
    if (turn !== undefined) await turn
    order.push(name)
  }
  const asked = [
    ...['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'].map((name) => ask('a', name)),
    ask('b', 'b1'),
    ask('c', 'c1'),
    ask('b', 'b2'),
  ]
  t.same(order, ['a1', 'a2', 'a3'], 'a few at once')
  await new Promise((resolve) => setImmediate(resolve))
  t.same(order.slice(3), ['a4', 'b1', 'c1'], 'then each one of those who wait')
  const late = ask('c', 'c2')
  await Promise.all([...asked, late])
  t.same(order.slice(6), ['a5', 'b2', 'c2', 'a6', 'a7'], 'and nobody overtakes')
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(turns.take('d'), undefined, 'when they are through, the next one waits for nothing')
})
