/** Reads a mosquitto.db, and keeps the position in the file for errors. */

/** The file cannot be used; it says where. */
export class MosquittoDbError extends Error {
  constructor(offset: number, problem: string) {
    super(`at byte ${offset}: ${problem}`)
    this.name = 'MosquittoDbError'
  }
}

export class ByteReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start = 0, end = bytes.byteLength) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get offset(): number {
    return this.#at
  }

  get left(): number {
    return this.#end - this.#at
  }

  skip(count: number): void {
    this.#take(count)
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  /** As machines of today have it: 64-bit numbers are stored in the order of the machine that wrote them. */
  hostUint64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  hostInt64(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8))
  }

  bytes(count: number): Buffer {
    const at = this.#take(count)
    return this.#bytes.subarray(at, at + count)
  }

  text(count: number): string {
    const at = this.offset
    const bytes = this.bytes(count)
    const text = bytes.toString('utf8')
    if (text.includes('\0') || !Buffer.from(text).equals(bytes)) throw new MosquittoDbError(at, 'a text is no UTF-8')
    return text
  }

  /** A reader of the next bytes, which are taken. */
  part(count: number): ByteReader {
    const at = this.#take(count)
    return new ByteReader(this.#bytes, at, at + count)
  }

  #take(count: number): number {
    const at = this.#at
    if (count > this.left) throw new MosquittoDbError(at, `${count} bytes are to come, and there are ${this.left}`)
    this.#at += count
    return at
  }
}
