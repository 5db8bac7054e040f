/** Values of options, parsed as Mosquitto parses the text after the name. */
import { ConfError } from './conf-error.ts'

export interface Value<T> {
  /** For the reference. */
  readonly allowed: string
  /** A second one in the same section replaces the first, is an error, or comes in addition. */
  readonly again: 'replaces' | 'fails' | 'adds'
  /** `rest` is all behind the name and one space. @throws ConfError */
  read(name: string, rest: string): T
}

/** The words of a line: spaces part them, and nothing else does. */
export function wordsOf(rest: string): string[] {
  return rest.split(' ').filter((word) => word !== '')
}

export function firstWord(name: string, rest: string): string {
  const [word] = wordsOf(rest)
  if (word === undefined) throw new ConfError(`Empty '${name}' value in configuration.`)
  return word
}

/** What follows the first word is not looked at. */
export const flag: Value<boolean> = {
  allowed: '`true` or `false`',
  again: 'replaces',
  read(name, rest) {
    const word = firstWord(name, rest)
    if (word === 'true' || word === '1') return true
    if (word === 'false' || word === '0') return false
    throw new ConfError(`Invalid '${name}' value (${word}).`)
  },
}

const LARGEST = 2 ** 31 - 1

interface Range {
  readonly minimum: number
  readonly maximum: number
  /** Where it is not in the range. */
  readonly problem?: (value: number) => string
}

/** As `strtol` has it: decimal, `0x` and hexadecimal, or `0` and octal. */
export function wholeOf(name: string, word: string): number {
  const match = /^[\t\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9]\d*))$/.exec(word)
  if (match === null) throw new ConfError(`'${name}' value not a number.`)
  const [, sign, hexadecimal, octal, decimal] = match
  let value = Number(decimal)
  if (hexadecimal !== undefined) value = Number.parseInt(hexadecimal, 16)
  else if (octal !== undefined) value = Number.parseInt(`0${octal}`, 8)
  if (value > LARGEST + (sign === '-' ? 1 : 0)) throw new ConfError(`'${name}' value out of range.`)
  return sign === '-' ? -value : value
}

export function whole({ minimum, maximum, problem }: Partial<Range> = {}): Value<number> {
  const [least, most] = [minimum ?? -LARGEST - 1, maximum ?? LARGEST]
  return {
    allowed: aboutRange(minimum, maximum),
    again: 'replaces',
    read(name, rest) {
      const value = wholeOf(name, firstWord(name, rest))
      if (value < least || value > most) throw new ConfError(problem?.(value) ?? `Invalid '${name}' value (${value}).`)
      return value
    },
  }
}

function aboutRange(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum === undefined && maximum === undefined) return 'a whole number'
  if (maximum === undefined) return `a whole number from ${minimum}`
  return `a whole number from ${minimum ?? 'below zero'} to ${maximum}`
}

/** The rest of the line, with spaces and also with `#` in it. */
export function text(allowed: string, again: Value<string>['again'] = 'fails'): Value<string> {
  return { allowed, again, read: readText }
}

export function readText(name: string, rest: string): string {
  const value = rest.trim()
  if (value === '') throw new ConfError(`Empty '${name}' value in configuration.`)
  if (value.includes('\uFFFD')) throw new ConfError('Malformed UTF-8 in configuration.')
  if (Buffer.byteLength(value) > 65_535) throw new ConfError(`'${name}' value too long.`)
  return value
}

export function oneOf<const T extends string>(values: readonly T[]): Value<T> {
  return {
    allowed: values.map((value) => `\`${value}\``).join(', '),
    again: 'replaces',
    read(name, rest) {
      const word = firstWord(name, rest)
      const value = values.find((each) => each === word)
      if (value === undefined) throw new ConfError(`Invalid '${name}' value (${word}).`)
      return value
    },
  }
}

/** A value that has its own form. */
export function own<T>(allowed: string, again: Value<T>['again'], read: Value<T>['read']): Value<T> {
  return { allowed, again, read }
}
