import { Buffer } from 'node:buffer'
import { ByteReader } from './byte-reader.ts'

const EMPTY = Buffer.alloc(0)
const FIRST_CAPACITY = 8 * 1024
const GROWTH = 8

/** How much of the fixed header is known. */
export const Header = { nothing: 0, firstByte: 1, complete: 2, overlong: 3, notMinimal: 4 } as const
export type HeaderState = (typeof Header)[keyof typeof Header]

/**
 * Cuts a stream of bytes into packets (MQTT 5 section 2.1).
 *
 * A packet within one chunk is a view of it. One that spans chunks is gathered in a buffer of its own, which grows
 * eightfold with what has arrived: a peer that only declares a size commits no memory here, and no byte is copied more
 * than about once. The sizes are the caller's to check, between `header` and `body`.
 */
export class Framer {
  /** First byte of the fixed header, from `Header.firstByte` on. */
  first = 0
  /** Remaining Length, from `Header.complete` on. */
  remaining = 0
  /** For who reads the packet that `body` found. */
  readonly reader = new ByteReader()
  /** Of that packet. */
  bytes: Buffer = EMPTY
  start = 0
  bodyStart = 0
  end = 0

  #chunk: Buffer = EMPTY
  #at = 0
  /** Chunks behind the current one; absent where there are none. */
  #queue: Buffer[] | undefined
  /** Bytes of the current fixed header that were read; the header is complete when `#headerDone`. */
  #headerLength = 0
  #headerDone = false
  /** Where the current packet starts in the current chunk; -1 when it started in an earlier one. */
  #packetStart = 0
  #gathered: Buffer | undefined
  #filled = 0

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    if (this.#at === this.#chunk.length && this.#queue === undefined) return this.#enter(chunk)
    this.#queue ??= []
    this.#queue.push(chunk)
  }

  /** Bytes that were pushed and not returned yet. */
  get buffered(): number {
    let total = this.#chunk.length - this.#at + this.#headerLength + Math.max(0, this.#filled - this.#headerLength)
    for (const chunk of this.#queue ?? []) total += chunk.length
    return total
  }

  /** Size of the whole packet as declared, from `Header.complete` on. */
  get size(): number {
    return this.#headerLength + this.remaining
  }

  /** Bytes of memory taken for a packet that spans chunks. */
  get capacity(): number {
    return this.#gathered?.length ?? 0
  }

  /** Lets go of the last packet: waiting costs no more than what is incomplete. */
  release(): undefined {
    this.bytes = EMPTY
    this.reader.bytes = EMPTY
  }

  /** Drops everything, and with it the memory. */
  clear(): void {
    this.#queue = undefined
    this.#chunk = EMPTY
    this.#at = 0
    this.#headerLength = 0
    this.#headerDone = false
    this.#gathered = undefined
    this.#filled = 0
    this.bytes = EMPTY
  }

  header(): HeaderState {
    if (this.#headerDone) return Header.complete
    const at = this.#at
    const chunk = this.#chunk
    if (this.#headerLength === 0 && at + 1 < chunk.length) {
      const length = chunk[at + 1] as number
      if (length < 0x80) {
        this.first = chunk[at] as number
        this.remaining = length
        this.#packetStart = at
        this.#at = at + 2
        this.#headerLength = 2
        this.#headerDone = true
        return Header.complete
      }
    }
    return this.#headerByByte()
  }

  /** True if the whole packet is there; call only after `header` was complete. */
  body(): boolean {
    const end = this.#packetStart + this.#headerLength + this.remaining
    if (this.#packetStart >= 0 && end <= this.#chunk.length) {
      this.#found(this.#chunk, this.#packetStart, this.#packetStart + this.#headerLength, end)
      this.#at = end
      return true
    }
    return this.#gather()
  }

  #headerByByte(): HeaderState {
    while (this.#more()) {
      const byte = this.#chunk[this.#at] as number
      if (this.#headerLength === 0) {
        this.#packetStart = this.#at
        this.first = byte
        this.remaining = 0
      } else {
        this.remaining |= (byte & 0x7f) << (7 * (this.#headerLength - 1))
      }
      this.#at++
      this.#headerLength++
      if (this.#headerLength === 1) continue
      if (byte < 0x80) {
        if (byte === 0 && this.#headerLength > 2) return Header.notMinimal
        this.#headerDone = true
        return Header.complete
      }
      if (this.#headerLength === 5) return Header.overlong
    }
    return this.#headerLength === 0 ? Header.nothing : Header.firstByte
  }

  #gather(): boolean {
    let gathered = this.#gathered
    if (gathered === undefined) {
      const size = this.#headerLength + this.remaining
      gathered = Buffer.allocUnsafe(Math.min(size, Math.max(FIRST_CAPACITY, (this.#chunk.length - this.#at) * GROWTH)))
      this.#filled = writeFixedHeader(gathered, this.first, this.remaining)
      this.#gathered = gathered
      this.#headerLength = this.#filled
    }
    const size = this.#headerLength + this.remaining
    while (this.#filled < size && this.#more()) {
      const count = Math.min(size - this.#filled, this.#chunk.length - this.#at)
      if (this.#filled + count > gathered.length) gathered = this.#grow(gathered, size, count)
      this.#chunk.copy(gathered, this.#filled, this.#at, this.#at + count)
      this.#filled += count
      this.#at += count
    }
    if (this.#filled < size) {
      this.#more()
      return false
    }
    this.#found(gathered, 0, this.#headerLength, size)
    this.#gathered = undefined
    this.#filled = 0
    return true
  }

  #grow(gathered: Buffer, size: number, count: number): Buffer {
    const grown = Buffer.allocUnsafe(Math.min(size, Math.max(gathered.length * GROWTH, this.#filled + count)))
    gathered.copy(grown, 0, 0, this.#filled)
    this.#gathered = grown
    return grown
  }

  #found(bytes: Buffer, start: number, bodyStart: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.bodyStart = bodyStart
    this.end = end
    this.#headerLength = 0
    this.#headerDone = false
  }

  /** Moves to the next chunk where the current one is used up, and lets go of a used one. */
  #more(): boolean {
    if (this.#at < this.#chunk.length) return true
    const next = this.#queue?.shift()
    if (next === undefined) this.#queue = undefined
    this.#enter(next ?? EMPTY)
    return next !== undefined
  }

  #enter(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
    this.#packetStart = -1
  }
}

/** What decoders share: a framer goes from one to the next as long as each has its packets whole, as nearly all have. */
export class Framers {
  #spare: Framer | undefined

  take(): Framer {
    const framer = this.#spare ?? new Framer()
    this.#spare = undefined
    return framer
  }

  /** It holds nothing, and who took it uses it no longer. */
  give(framer: Framer): void {
    this.#spare = framer
  }
}

function writeFixedHeader(target: Buffer, first: number, remaining: number): number {
  target[0] = first
  let at = 1
  let rest = remaining
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
