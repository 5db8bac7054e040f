import { Buffer } from 'node:buffer'

const FIRST_CAPACITY = 256
const LONGEST_FIELD = 65_535

/** Writes the data types of MQTT 5 section 1.5 in sequence. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY)
  #length = 0

  get length(): number {
    return this.#length
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  twoByteInteger(value: number): void {
    this.#reserve(2)
    this.#length = this.#bytes.writeUInt16BE(value, this.#length)
  }

  fourByteInteger(value: number): void {
    this.#reserve(4)
    this.#length = this.#bytes.writeUInt32BE(value, this.#length)
  }

  variableByteInteger(value: number): void {
    this.#reserve(4)
    this.#length = writeVariableByteInteger(this.#bytes, this.#length, value)
  }

  text(value: string): void {
    const size = Buffer.byteLength(value)
    this.#fieldLength(size)
    this.#length += this.#bytes.write(value, this.#length, 'utf8')
  }

  binary(value: Uint8Array): void {
    this.#fieldLength(value.byteLength)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.byteLength)
    this.#bytes.set(value, this.#length)
    this.#length += value.byteLength
  }

  /** What was written; the writer is done with. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #fieldLength(size: number): void {
    if (size > LONGEST_FIELD) throw new RangeError('a field of an MQTT packet has at most 65,535 bytes')
    this.#reserve(2 + size)
    this.#length = this.#bytes.writeUInt16BE(size, this.#length)
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

/** Bytes that a Variable Byte Integer takes (section 1.5.5). */
export function variableByteIntegerSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x200000 ? 3 : 4
}

/** Returns the position behind it. Always the shortest form. [MQTT-1.5.5-1] */
export function writeVariableByteInteger(target: Uint8Array, start: number, value: number): number {
  if (value > 0xfffffff) throw new RangeError('a variable byte integer is at most 268,435,455')
  let at = start
  let rest = value
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
