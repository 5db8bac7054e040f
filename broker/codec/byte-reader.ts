import { Buffer } from 'node:buffer'
import { Text, textKind } from './utf8.ts'
import { malformed } from './violation.ts'

const EMPTY = Buffer.alloc(0)

/** Reads the data types of MQTT 5 section 1.5 from one packet. It is moved from packet to packet. */
export class ByteReader {
  bytes: Buffer = EMPTY
  position = 0
  end = 0

  remaining(): number {
    return this.end - this.position
  }

  byte(): number {
    if (this.position >= this.end) truncated()
    return this.bytes[this.position++] as number
  }

  twoByteInteger(): number {
    const at = this.position
    if (at + 2 > this.end) truncated()
    this.position = at + 2
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)
  }

  fourByteInteger(): number {
    const high = this.twoByteInteger()
    return high * 0x10000 + this.twoByteInteger()
  }

  variableByteInteger(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) malformed('MQTT-1.5.5-1', 'a variable byte integer has more bytes than it needs')
        return value
      }
    }
    return malformed('1.5.5', 'a variable byte integer has more than four bytes')
  }

  /** A view; copy what must outlive the packet. */
  binary(): Buffer {
    const start = this.#prefixed()
    return this.bytes.subarray(start, this.position)
  }

  /** True if a whole length-prefixed field follows. */
  hasField(): boolean {
    const at = this.position
    if (at + 2 > this.end) return false
    return at + 2 + (((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)) <= this.end
  }

  /** Free text: only what MQTT forbids outright is refused. */
  text(what: string): string {
    return this.#string(what, false, illFormed)
  }

  /** An identifier: control characters and non-characters are refused as well. */
  identifier(what: string, refuse: (what: string) => never = illFormed): string {
    return this.#string(what, true, refuse)
  }

  /** After the two bytes of length: moves behind the content and returns where it starts. */
  #prefixed(): number {
    const length = this.twoByteInteger()
    const start = this.position
    if (start + length > this.end) truncated()
    this.position = start + length
    return start
  }

  #string(what: string, strict: boolean, refuse: (what: string) => never): string {
    const start = this.#prefixed()
    const kind = textKind(this.bytes, start, this.position, strict)
    if (kind === Text.invalid) return refuse(what)
    // A byte order mark is content and stays. [MQTT-1.5.4-3]; in 3.1.1 [MQTT-1.5.3-3]
    return this.bytes.toString(kind === Text.ascii ? 'latin1' : 'utf8', start, this.position)
  }
}

function illFormed(what: string): never {
  return malformed('MQTT-1.5.4-1', `the ${what} is not well-formed UTF-8 or has a forbidden character`)
}

function truncated(): never {
  return malformed('2.1.4', 'the packet ends before its fields do')
}
