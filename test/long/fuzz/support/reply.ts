/** What the server may say, checked by the packets' frames only: a fuzzer that parses everything is slow. */
import { Buffer } from 'node:buffer'

const CONNACK = 2
const DISCONNECT = 14
const PINGRESP = 13

/** The reasons of DISCONNECT that a server may send (MQTT 5 table 3-13), and none that means all is well. */
const DISCONNECT_REASONS = new Set([
  0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
  0x9b, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
])
/** The reasons of CONNACK (table 3-1) other than success. */
const CONNACK_REASONS = new Set([
  0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
  0x9d, 0x9f,
])

/** Counts the frames of what the server sends, and keeps the last. */
export class Replies {
  pings = 0
  frames = 0
  /** The last whole packet. */
  last: Buffer = Buffer.alloc(0)
  first: Buffer = Buffer.alloc(0)
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (let end = frameEnd(bytes, at); end <= bytes.length; end = frameEnd(bytes, at)) {
      if (this.frames++ === 0) this.first = bytes.subarray(at, end)
      if ((bytes[at] ?? 0) >> 4 === PINGRESP) this.pings++
      this.last = bytes.subarray(at, end)
      at = end
    }
    this.#rest = bytes.subarray(at)
  }

  /** Bytes of a packet that was not whole. */
  get cut(): number {
    return this.#rest.length
  }
}

function frameEnd(bytes: Buffer, start: number): number {
  let length = 0
  for (let at = start + 1, shift = 0; at < bytes.length; at++, shift += 7) {
    const byte = bytes[at] ?? 0
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return at + 1 + length
  }
  return Number.POSITIVE_INFINITY
}

/** What is wrong with the way the server closed a connection of this level; undefined for nothing. */
export function faultOfClose(
  replies: Replies,
  level: 3 | 4 | 5 | undefined,
  silenceAllowed: boolean,
): string | undefined {
  const { first, last, frames, cut } = replies
  if (cut > 0) return `closed within a packet: ${cut} bytes of it came`
  if (frames > 0 && (first[0] ?? 0) >> 4 !== CONNACK) return `the first packet was ${first.toString('hex')}`
  const reason = reasonOf(last)
  if (frames === 1 && !accepted(first)) {
    // Of a level that it does not know, the server answers as MQTT 5 or as 3.1.1, by what the CONNECT looks like.
    const known = (level !== 5 && reason >= 1 && reason <= 5) || ((level ?? 5) === 5 && CONNACK_REASONS.has(reason))
    return known ? undefined : `refused with ${first.toString('hex')}`
  }
  const type = (last[0] ?? 0) >> 4
  if (type === DISCONNECT) {
    if (level !== 5) return `DISCONNECT was sent to a client of level ${level}`
    return DISCONNECT_REASONS.has(reason) ? undefined : `DISCONNECT with reason ${reason}`
  }
  if (level === 5 && frames > 0 && !silenceAllowed)
    return `closed without DISCONNECT, after ${last.toString('hex', 0, 40)}`
  return undefined
}

/** Connected, by the CONNACK. */
function accepted(connack: Buffer): boolean {
  return reasonOf(connack) === 0
}

/** The second byte of a CONNACK's body, the first of a DISCONNECT's; each has less than 128 bytes or two bytes of length. */
function reasonOf(packet: Buffer): number {
  const body = (packet[1] ?? 0) > 0x7f ? 3 : 2
  return packet[(packet[0] ?? 0) >> 4 === CONNACK ? body + 1 : body] ?? 0
}
