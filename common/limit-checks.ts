/** Values of limits: what each may be, and that they fit together. */
import type { Limit } from './limit.ts'
import { LIMIT_ORDERS, type LimitOrder } from './limit-orders.ts'
import { LIMITS, type LimitName, type Limits } from './limits.ts'

/** For people, with its unit. */
export function aboutLimit({ about, unit, zeroIsNone }: Limit): string {
  return `${about}${unit === undefined ? '' : `, ${unit}`}${zeroIsNone ? '; 0 is without limit' : ''}`
}

/** What an option may be; a setting without the factor. */
export function allowedRange({ minimum, maximum, optionFactor }: Limit): { minimum: number; maximum: number } {
  return { minimum: minimum * optionFactor, maximum: maximum * optionFactor }
}

export function wholeFrom(minimum: number, maximum: number): string {
  return `a whole number from ${minimum} to ${maximum}`
}

/**
 * Makes values fit together: one that was not given gives way, what is given and does not fit is refused. Values are all
 * in the units of options, or all in those of settings.
 * @throws what `refuse` makes of it
 */
export function fitLimits(
  values: Limits,
  given: ReadonlySet<LimitName>,
  refuse: (order: LimitOrder, values: Limits) => Error,
): Limits {
  const fitting: Record<LimitName, number> = { ...values }
  for (const order of LIMIT_ORDERS) {
    const { lower, upper, yields, room = (value: number) => value } = order
    const least = room(fitting[lower])
    if (least <= fitting[upper] || (LIMITS[lower].zeroIsNone && fitting[lower] === 0)) continue
    const other = yields === 'lower' ? upper : lower
    // Both are defaults only where an earlier line has changed one.
    if (!given.has(order[yields])) fitting[order[yields]] = yields === 'lower' ? fitting[upper] : least
    else if (given.has(other) || yields === 'lower') throw refuse(order, fitting)
  }
  return fitting
}
