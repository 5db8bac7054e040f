/** Kinds of options. */
import type { AdminOption } from './admin-command.ts'

export function text(about: string, value: string): AdminOption<string> {
  return { about, value, allowed: 'a text that is not empty', parse: (given) => (given === '' ? undefined : given) }
}

export function flag(about: string): AdminOption<true> {
  return { about, allowed: 'without a value', parse: () => true }
}

/** Texts with commas. */
export function list(about: string, value: string): AdminOption<readonly string[]> {
  return {
    about,
    value,
    allowed: 'one or more, with commas',
    parse(given) {
      const each = given.split(',').map((part) => part.trim())
      return each.includes('') ? undefined : each
    },
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 }
const DURATION = /^(\d{1,10})([smhd]?)$/

export function secondsOf(text: string): number | undefined {
  const [, number, unit = ''] = DURATION.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? 1)
}

export function duration(about: string): AdminOption<number> {
  return { about, value: '<time>', allowed: 'seconds, or such as 90d, 12h, 30m', parse: secondsOf }
}

export function required<T>(option: AdminOption<T>) {
  return { ...option, required: true } as const
}
