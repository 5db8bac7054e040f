/** The shape of a limit, and the units that the table in `limits.ts` uses. */

export interface Limit<S extends string = string> {
  /** The name of the setting. */
  readonly setting: S
  /** Description in plain English, without the unit. */
  readonly about: string
  /** In the unit of the setting, like minimum and maximum. */
  readonly default: number
  readonly minimum: number
  readonly maximum: number
  readonly unit?: 's' | 'ms' | 'bytes'
  /**
   * The setting multiplied by this is the option: 1,000 if the setting is in seconds and the option in milliseconds.
   */
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
