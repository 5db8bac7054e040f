// Whatever ends when, and in whichever order it is heard of: is each told of once, when its time has come and not before?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { Ends } from '../../store/ends.ts'

await t.test('any ends', async (t) => {
  const time = fc.oneof(fc.nat(50), fc.constant(Infinity))
  const step = fc.record({ add: fc.array(time), now: fc.nat(60) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const ends = new Ends()
      const waiting: { key: string; at: number }[] = []
      let count = 0
      for (const { add, now } of steps) {
        for (const at of add) {
          const key = `${(count += 1)}`
          ends.add(key, at)
          waiting.push({ key, at })
        }
        const due = waiting.filter(({ at }) => at <= now)
        const told = [...ends.take(now)]
        if (told.length !== due.length || !due.every(({ key }) => told.includes(key))) return false
        const times = told.map((key) => due.find((each) => each.key === key)?.at ?? Infinity)
        if (times.some((at, place) => at < (times[place - 1] ?? 0))) return false
        for (const each of due) waiting.splice(waiting.indexOf(each), 1)
      }
      return true
    }),
    { numRuns: 500 },
  )
  t.pass()
})
