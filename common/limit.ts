/** What a limit is, and the units in which the table of `limits.ts` is written. */

export interface Limit<S extends string = string> {
  /** How the server calls it. */
  readonly setting: S
  /** In plain English, without the unit. */
  readonly about: string
  /** In the unit of the setting, as are minimum and maximum. */
  readonly default: number
  readonly minimum: number
  readonly maximum: number
  readonly unit?: 's' | 'ms' | 'bytes'
  /** The setting times this is the option: 1,000 where the setting is in seconds and the option in milliseconds. */
  readonly optionFactor: number
  readonly zeroIsNone: boolean
}

export const SECONDS = { unit: 's' } as const
/** Seconds in the setting, milliseconds in the option. */
export const SECONDS_TO_MS = { unit: 's', optionFactor: 1000 } as const
export const MS = { unit: 'ms' } as const
export const BYTES = { unit: 'bytes' } as const
export const ZERO_IS_NONE = { zeroIsNone: true } as const

export const DAY = 24 * 60 * 60
export const YEAR = 366 * DAY
export const KIB = 1024
export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

export function limit<const S extends string>(
  setting: S,
  standard: number,
  [minimum, maximum]: readonly [number, number],
  about: string,
  more: Partial<Pick<Limit, 'unit' | 'optionFactor' | 'zeroIsNone'>> = {},
): Limit<S> {
  return { setting, about, default: standard, minimum, maximum, optionFactor: 1, zeroIsNone: false, ...more }
}
