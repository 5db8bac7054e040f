// Is a time in an answer, made from that of the same second before, what a Date would say?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { isoDates } from '../../common/iso-dates.ts'

const LAST = 8.64e15

await t.test('any times, many of one second', async (t) => {
  const time = fc.integer({ min: -LAST, max: LAST })
  const close = fc.integer({ min: -1_500, max: 1_500 })
  fc.assert(
    fc.property(time, fc.array(close, { maxLength: 20 }), (first, steps) => {
      const dateOf = isoDates()
      for (const step of [0, ...steps]) {
        const at = Math.max(-LAST, Math.min(LAST, first + step))
        if (dateOf(at) !== new Date(at).toISOString()) return false
      }
      return true
    }),
    {
      examples: [
        [0, [-1, 0, 999, 1_000]],
        [Date.UTC(2030, 0, 1), [1, 10, 100, -1]],
        [-LAST, []],
        [LAST, []],
      ],
    },
  )
  t.throws(() => isoDates()(LAST + 1_000), RangeError)
})
