/** Writing and reading values: numbers as LEB128, times and offsets as 48 bits big-endian, texts and blobs by length. */

/** The largest time and offset that is kept; what is later than that is never. */
export const MOST = 2 ** 48 - 1

/** A whole number of 48 bits; `Infinity` becomes the largest. */
export function clamp(value: number): number {
  return Math.min(MOST, Math.max(0, Math.floor(value)))
}

export class ValueWriter {
  readonly #bytes: Buffer
  #length = 0

  /** The size is an upper bound of what will be written. */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size)
  }

  byte(value: number): this {
    this.#bytes[this.#length++] = value
    return this
  }

  /** At most 8 bytes. */
  number(value: number): this {
    let rest = value
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
    return this
  }

  wide(value: number): this {
    this.#length = this.#bytes.writeUIntBE(value, this.#length, 6)
    return this
  }

  word(value: number): this {
    this.#length = this.#bytes.writeUInt32BE(value, this.#length)
    return this
  }

  /** Without its length. */
  raw(value: Uint8Array): this {
    this.#bytes.set(value, this.#length)
    this.#length += value.byteLength
    return this
  }

  /** Without its length. */
  rawText(value: string): this {
    this.#length += this.#bytes.write(value, this.#length)
    return this
  }

  blob(value: Uint8Array): this {
    return this.number(value.byteLength).raw(value)
  }

  text(value: string): this {
    return this.number(Buffer.byteLength(value)).rawText(value)
  }

  done(): Buffer {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length)
  }
}

/** Throws a `RangeError` when the bytes are not what they should be. */
export class ValueReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
      if (scale > MOST) throw new RangeError('a number of a stored value has no end')
    }
  }

  wide(): number {
    this.#at += 6
    return this.#bytes.readUIntBE(this.#at - 6, 6)
  }

  word(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  raw(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('a stored value is cut short')
    const value = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return value
  }

  rest(): Buffer {
    return this.raw(this.#bytes.length - this.#at)
  }

  blob(): Buffer {
    return this.raw(this.number())
  }

  text(): string {
    return this.blob().toString()
  }
}
