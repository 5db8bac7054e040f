/** Encodes whole numbers in a cursor: seven bits per byte, lowest first. */
import { PushError } from '../errors.ts'

const MOST_DIGITS = 8

export function pushNumber(bytes: number[], number: number): void {
  let rest = number
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
}

export class Numbers {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isRead(): boolean {
    return this.#at === this.#bytes.length
  }

  /** @throws CURSOR_INVALID */
  next(): number {
    let number = 0
    for (let digit = 0; digit < MOST_DIGITS; digit++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      number += (byte & 0x7f) * 0x80 ** digit
      if (byte < 0x80 && Number.isSafeInteger(number)) return number
    }
    throw new PushError('CURSOR_INVALID')
  }
}
