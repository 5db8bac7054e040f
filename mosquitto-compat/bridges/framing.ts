/**
 * Splits a byte stream into whole packets, before anything parses them: a packet longer than the receiver accepts is
 * never buffered. Of a PUBLISH that is too long, only the start is kept, which is needed to acknowledge it.
 */

export interface WholeFrame {
  readonly isWhole: true
  readonly bytes: Buffer
}

/** A PUBLISH that is too long. */
export interface LongPublish {
  readonly isWhole: false
  readonly qos: 0 | 1 | 2
  readonly packetId: number
  readonly topic: string
  /** Of the whole packet. */
  readonly bytes: number
}

export type Frame = WholeFrame | LongPublish

const PUBLISH = 3
/** Fixed header, the longest topic name with its length, and a packet id. */
const HEAD = 5 + 2 + 65_535 + 2

export class Framer {
  readonly #longest: number
  #chunks: Buffer[] = []
  #bytes = 0
  /** Of a packet that is passed over. */
  #toSkip = 0

  /** `longest`: bytes of a packet that is taken. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Returns what is complete. @throws Error for what is no MQTT */
  *push(chunk: Buffer): Iterable<Frame> {
    const skipped = Math.min(this.#toSkip, chunk.byteLength)
    this.#toSkip -= skipped
    this.#add(chunk.subarray(skipped))
    for (;;) {
      const frame = this.#next()
      if (frame === undefined) return
      yield frame
    }
  }

  #add(chunk: Buffer): void {
    if (chunk.byteLength === 0) return
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
  }

  #next(): Frame | undefined {
    const length = this.#length()
    if (length === undefined) return undefined
    if (length > this.#longest) return this.#pass(length)
    if (this.#bytes < length) return undefined
    const all = this.#joined()
    this.#chunks = []
    this.#bytes = 0
    this.#add(all.subarray(length))
    return { isWhole: true, bytes: all.subarray(0, length) }
  }

  /** Of the packet that begins; undefined if its header is not complete. */
  #length(): number | undefined {
    if (this.#bytes < 2) return undefined
    const [first] = this.#chunks
    const head = first !== undefined && first.byteLength >= 5 ? first : this.#joined()
    let length = 0
    for (let at = 1; at < 5; at++) {
      const byte = head[at]
      if (byte === undefined) return undefined
      length += (byte & 0x7f) * 128 ** (at - 1)
      if (byte < 0x80) return at + 1 + length
    }
    throw new Error('it sent something that is not MQTT')
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #pass(length: number): Frame | undefined {
    if (this.#bytes < Math.min(HEAD, length)) return undefined
    const all = this.#joined()
    const first = all[0] ?? 0
    if (first >> 4 !== PUBLISH) throw new Error(`it sent a packet of ${length} bytes, above the limit`)
    let at = 1
    while ((all[at] ?? 0) >= 0x80) at++
    at++
    const topicLength = all.readUInt16BE(at)
    const topic = all.toString('utf8', at + 2, at + 2 + topicLength)
    const bits = (first >> 1) & 3
    const qos = bits === 1 || bits === 2 ? bits : 0
    if (at + 4 + topicLength > length) throw new Error('it sent something that is not MQTT')
    const packetId = qos === 0 ? 0 : all.readUInt16BE(at + 2 + topicLength)
    this.#chunks = []
    this.#bytes = 0
    this.#toSkip = Math.max(0, length - all.byteLength)
    this.#add(all.subarray(length))
    return { isWhole: false, qos, packetId, topic, bytes: length }
  }
}
