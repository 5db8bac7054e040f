/** Reading what the script answers. */
import type { Packed } from './pack.ts'
import { unavailable } from './script.ts'

function wrong(what: string): Error {
  return unavailable(`the script did not answer with ${what}`)
}

export function asNumber(value: Packed | undefined): number {
  if (typeof value !== 'number') throw wrong('a number')
  return value
}

/** A number, or false if there is none. */
export function asOptionalNumber(value: Packed | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

export function asBytes(value: Packed | undefined): Buffer {
  if (!(value instanceof Buffer)) throw wrong('bytes')
  return value
}

export function asOptionalBytes(value: Packed | undefined): Buffer | undefined {
  return value instanceof Buffer ? value : undefined
}

export function asList(value: Packed | undefined): readonly Packed[] {
  return Array.isArray(value) ? value : []
}

export function asText(value: Packed | undefined): string {
  return asBytes(value).toString()
}
