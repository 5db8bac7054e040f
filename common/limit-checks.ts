/** Checks limits: the range of each, and that they fit together. */
import type { Limit } from './limit.ts'
import { LIMIT_ORDERS, type LimitOrder } from './limit-orders.ts'
import { LIMITS, type LimitName, type Limits } from './limits.ts'

/** The description that people read, with its unit. */
export function aboutLimit({ about, unit, zeroIsNone }: Limit): string {
  return `${about}${unit === undefined ? '' : `, ${unit}`}${zeroIsNone ? '; 0 means no limit' : ''}`
}

/** The range of the option of `createPush`; the setting's range is without the factor. */
export function allowedRange({ minimum, maximum, optionFactor }: Limit): { minimum: number; maximum: number } {
  return { minimum: minimum * optionFactor, maximum: maximum * optionFactor }
}

export function wholeFrom(minimum: number, maximum: number): string {
  return `a whole number from ${minimum} to ${maximum}`
}

/**
 * Makes limits fit together. It adjusts a limit that was not given, and refuses given limits that do not fit. All values
 * are in the units of options, or all are in those of settings.
 * @throws what `refuse` returns
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
    // Neither was given only if an earlier order adjusted one of them.
    if (!given.has(order[yields])) fitting[order[yields]] = yields === 'lower' ? fitting[upper] : least
    else if (given.has(other) || yields === 'lower') throw refuse(order, fitting)
  }
  return fitting
}
