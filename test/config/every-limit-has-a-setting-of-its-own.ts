// Is each limit one setting, with a default in its range, and are limits of one unit compared with each other?
import { t } from '../support/tap.ts'
import { LIMIT_ORDERS } from '../../common/limit-orders.ts'
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS } from '../../common/limits.ts'
import type { Limit } from '../../common/limit.ts'
import { readConfig } from '../../server/arguments.ts'
import { limitsOf } from '../../server/settings-fit.ts'

const rows = new Map<string, Limit>(Object.entries(LIMITS))

t.test('a row', async (t) => {
  for (const [name, { default: standard, minimum, maximum, optionFactor, unit, zeroIsNone }] of rows) {
    t.ok(minimum <= standard && standard <= maximum, `${name}: its default is in its range`)
    t.equal(name.endsWith('Ms'), unit === 'ms' || optionFactor === 1000, `${name} says its unit`)
    if (zeroIsNone) t.equal(minimum, 0, `${name} can be without limit`)
  }
  t.equal(new Set([...rows.values()].map(({ setting }) => setting)).size, rows.size, 'no setting is two limits')
})

t.test('an order', async (t) => {
  for (const { lower, upper, room = (value: number) => value } of LIMIT_ORDERS) {
    t.equal(rows.get(lower)?.optionFactor, rows.get(upper)?.optionFactor, `${lower} and ${upper}`)
    t.ok(room(DEFAULT_LIMITS[lower]) <= DEFAULT_LIMITS[upper], 'defaults fit')
  }
})

t.test('a setting becomes the option of its unit', async (t) => {
  t.same(limitsOf(readConfig([], {}).config), {}, 'defaults are left to createPush')
  for (const name of LIMIT_NAMES) {
    const { setting, default: standard, minimum, optionFactor } = LIMITS[name]
    if (standard === minimum) continue
    const limits = limitsOf(readConfig([], { [setting]: String(standard - 1) }).config)
    t.equal(limits[name], (standard - 1) * optionFactor, name)
  }
  const both = readConfig([], { PUSH_SWEEP: '7', PUSH_SESSION_RECHECK: '8' }).config
  t.same(limitsOf(both), { sweepMs: 7_000, sessionRecheckMs: 8_000 }, 'each of the two holds')
})
