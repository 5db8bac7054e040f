/**
 * Filters reason codes in a broker's PUBACKs. Mosquitto refuses a message that is too large with 0x95, which MQTT 5
 * does not allow there (section 3.4.2.1), and MQTT.js stops reading a connection after such a code. So this reads the
 * code first, keeps it, and replaces it with an allowed one.
 */

const PUBACK = 4
const ALLOWED: ReadonlySet<number> = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
const UNSPECIFIED = 0x80
/** Bytes of a PUBACK up to its reason code, which follows the packet id. */
const REASON_AT = 2
/** A broker that is refused much is not remembered in full. */
const MOST_KEPT = 10_000

export class AckFilter {
  readonly #reasons = new Map<number, number>()
  /** Where in a packet the stream is: its first byte, its length, its body. */
  #at: 'type' | 'length' | 'body' = 'type'
  #type = 0
  #length = 0
  #shift = 0
  #read = 0
  #packetId = 0

  /** All bytes that arrive, in order; changes a reason code in place. */
  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.byteLength) {
      if (this.#at === 'body') at = this.#body(chunk, at)
      else this.#head(chunk[at++] ?? 0)
    }
  }

  /** The code that came for this packet id, when it is not the one that MQTT.js was shown. */
  take(packetId: number): number | undefined {
    const reason = this.#reasons.get(packetId)
    this.#reasons.delete(packetId)
    return reason
  }

  #head(byte: number): void {
    if (this.#at === 'type') {
      this.#type = byte >> 4
      this.#length = 0
      this.#shift = 0
      this.#at = 'length'
      return
    }
    this.#length += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if (byte >= 0x80) return
    this.#read = 0
    this.#packetId = 0
    this.#at = this.#length === 0 ? 'type' : 'body'
  }

  /** Returns where the rest of the chunk begins. */
  #body(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.byteLength, from + this.#length - this.#read)
    if (this.#type === PUBACK) for (let at = from; at < end; at++) this.#ack(chunk, at, this.#read + at - from)
    this.#read += end - from
    if (this.#read === this.#length) this.#at = 'type'
    return end
  }

  #ack(chunk: Buffer, at: number, index: number): void {
    const byte = chunk[at] ?? 0
    if (index < REASON_AT) this.#packetId = this.#packetId * 256 + byte
    if (index !== REASON_AT || ALLOWED.has(byte) || this.#reasons.size >= MOST_KEPT) return
    this.#reasons.set(this.#packetId, byte)
    chunk[at] = UNSPECIFIED
  }
}
