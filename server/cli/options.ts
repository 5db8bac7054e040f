/** Kinds of values of options, with what commander says when they are wrong. */
import { InvalidArgumentError } from 'commander'

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 }
const DURATION = /^(\d{1,10})([smhd]?)$/

export function secondsOf(text: string): number | undefined {
  const [, number, unit = ''] = DURATION.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? 1)
}

export function duration(text: string): number {
  return secondsOf(text) ?? wrong('seconds, or such as 90d, 12h, 30m')
}

export function count(text: string): number {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : wrong('a whole number from 1 on')
}

export function filled(text: string): string {
  return text === '' ? wrong('a text that is not empty') : text
}

/** Texts with commas. */
export function list(text: string): readonly string[] {
  const each = text.split(',').map((part) => part.trim())
  return each.includes('') ? wrong('one or more, with commas') : each
}

/** The same option again adds to it. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, filled(text)]
}

export function wrong(allowed: string): never {
  throw new InvalidArgumentError(`It must be ${allowed}.`)
}
