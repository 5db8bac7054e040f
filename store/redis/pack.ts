/** The part of MessagePack that the scripts speak: integers, bytes, booleans, nil and arrays. */

/** What a script answers; text arrives as bytes. */
export type Packed = number | boolean | null | Buffer | readonly Packed[]
/** What a step may carry. */
export type Packable = number | boolean | string | Uint8Array

const INITIAL_BYTES = 4096

/** Writes one after the other into one buffer. */
export class Packer {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  #length = 0

  get length(): number {
    return this.#length
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }

  array(length: number): void {
    this.#reserve(5)
    if (length < 16) {
      this.#buffer[this.#length++] = 0x90 | length
    } else {
      this.#buffer[this.#length++] = 0xdd
      this.#length = this.#buffer.writeUInt32BE(length, this.#length)
    }
  }

  value(value: Packable): void {
    if (typeof value === 'number') this.#integer(value)
    else if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2)
    else this.#bytes(value)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  #integer(value: number): void {
    this.#reserve(9)
    const buffer = this.#buffer
    if (value >= 0 && value < 128) {
      buffer[this.#length++] = value
    } else if (value >= 0 && value <= 0xffffffff) {
      buffer[this.#length++] = 0xce
      this.#length = buffer.writeUInt32BE(value, this.#length)
    } else {
      buffer[this.#length++] = 0xd3
      this.#length = buffer.writeInt32BE(Math.floor(value / 0x100000000), this.#length)
      this.#length = buffer.writeUInt32BE(value >>> 0, this.#length)
    }
  }

  #text(text: string): void {
    const bytes = Buffer.byteLength(text, 'utf8')
    this.#stringHead(bytes)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  #bytes(bytes: Uint8Array): void {
    this.#stringHead(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #stringHead(bytes: number): void {
    this.#reserve(5 + bytes)
    if (bytes < 32) {
      this.#buffer[this.#length++] = 0xa0 | bytes
    } else {
      this.#buffer[this.#length++] = 0xdb
      this.#length = this.#buffer.writeUInt32BE(bytes, this.#length)
    }
  }

  /** What was written. The packer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

/** The one value in a buffer. Bytes are slices of it. */
export function unpack(buffer: Buffer): Packed {
  return new Reader(buffer).read()
}

/** The values in a buffer, one after the other, as `cmsgpack.pack` writes several. */
export function unpackAll(buffer: Buffer): readonly Packed[] {
  const reader = new Reader(buffer)
  const values: Packed[] = []
  while (!reader.isAtEnd) values.push(reader.read())
  return values
}

class Reader {
  readonly #buffer: Buffer
  #position = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#buffer.length
  }

  read(): Packed {
    const head = this.#buffer.readUInt8(this.#position++)
    if (head < 0x80) return head
    if (head < 0x90) return this.#emptyMap(head)
    if (head < 0xa0) return this.#array(head & 0x0f)
    if (head < 0xc0) return this.#bytes(head & 0x1f)
    if (head >= 0xe0) return head - 0x100
    return this.#long(head)
  }

  #long(head: number): Packed {
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xd9:
        return this.#bytes(this.#unsigned(1))
      case 0xc5:
      case 0xda:
        return this.#bytes(this.#unsigned(2))
      case 0xc6:
      case 0xdb:
        return this.#bytes(this.#unsigned(4))
      case 0xcc:
        return this.#unsigned(1)
      case 0xcd:
        return this.#unsigned(2)
      case 0xce:
        return this.#unsigned(4)
      case 0xcf:
        return this.#unsigned(4) * 0x100000000 + this.#unsigned(4)
      case 0xd0:
        return this.#signed(1)
      case 0xd1:
        return this.#signed(2)
      case 0xd2:
        return this.#signed(4)
      case 0xd3:
        return this.#signed(4) * 0x100000000 + this.#unsigned(4)
      case 0xcb:
        this.#position += 8
        return this.#buffer.readDoubleBE(this.#position - 8)
      case 0xdc:
        return this.#array(this.#unsigned(2))
      case 0xdd:
        return this.#array(this.#unsigned(4))
      default:
        throw new TypeError(`no MessagePack of this engine: 0x${head.toString(16)}`)
    }
  }

  /** An empty table of Lua may be written as a map. */
  #emptyMap(head: number): Packed {
    if (head !== 0x80) throw new TypeError('the scripts answer with arrays only')
    return []
  }

  #unsigned(bytes: number): number {
    this.#position += bytes
    return this.#buffer.readUIntBE(this.#position - bytes, bytes)
  }

  #signed(bytes: number): number {
    this.#position += bytes
    return this.#buffer.readIntBE(this.#position - bytes, bytes)
  }

  #array(length: number): Packed {
    const items: Packed[] = []
    for (let item = 0; item < length; item += 1) items.push(this.read())
    return items
  }

  #bytes(length: number): Buffer {
    const end = this.#position + length
    if (end > this.#buffer.length) throw new RangeError('cut short')
    const bytes = this.#buffer.subarray(this.#position, end)
    this.#position = end
    return bytes
  }
}
