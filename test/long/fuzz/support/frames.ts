/** WebSocket on the wire (RFC 6455 section 5), for who writes frames that no library would, and reads by the letter. */
import { Buffer } from 'node:buffer'
import type { SeededRandom } from '../../../support/random.ts'

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface Frame {
  readonly opcode: number
  readonly final: boolean
  readonly payload: Buffer
  /** The three reserved bits. */
  readonly reserved?: number
  /** Default true, as a client has to. */
  readonly masked?: boolean
  /** The bytes of its length; default the fewest that do. */
  readonly lengthBytes?: 0 | 2 | 8
  /** What its length says, when that is not so. */
  readonly claims?: bigint
}

export function encodeFrame(frame: Frame, random: SeededRandom): Buffer {
  const { opcode, final, payload, reserved = 0, masked = true, claims = BigInt(frame.payload.length) } = frame
  const fewest = claims < 126n ? 0 : claims < 0x10000n ? 2 : 8
  const lengthBytes = Math.max(frame.lengthBytes ?? fewest, fewest)
  const length = Buffer.alloc(1 + lengthBytes)
  length[0] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? Number(claims) : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) length.writeUInt16BE(Number(claims), 1)
  if (lengthBytes === 8) length.writeBigUInt64BE(claims, 1)
  const first = Buffer.from([(final ? 0x80 : 0) | ((reserved & 7) << 4) | opcode])
  if (!masked) return Buffer.concat([first, length, payload])
  const mask = Buffer.from(Array.from({ length: 4 }, () => random.between(0, 255)))
  const masking = Buffer.from(payload)
  for (let at = 0; at < masking.length; at++) masking[at] = (masking[at] ?? 0) ^ (mask[at & 3] ?? 0)
  return Buffer.concat([first, length, mask, masking])
}

/** Frames of a server, one after the other; throws at one that a server may not send. */
export class FrameReader {
  readonly frames: Frame[] = []
  #rest: Buffer = Buffer.alloc(0)

  /** Gives the bytes of the binary frames. */
  push(chunk: Buffer): Buffer {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const contents: Buffer[] = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      if (this.frames.at(-1)?.opcode === OPCODES.close) throw new Error('a frame behind a Close frame')
      this.frames.push(frame)
      if (frame.opcode === OPCODES.binary) contents.push(frame.payload)
    }
    return Buffer.concat(contents)
  }

  /** Bytes of a frame that was not whole. */
  get cut(): number {
    return this.#rest.length
  }

  #next(): Frame | undefined {
    const [first, second] = this.#rest
    if (first === undefined || second === undefined) return undefined
    const lengthBytes = second === 127 ? 8 : second === 126 ? 2 : 0
    if (this.#rest.length < 2 + lengthBytes) return undefined
    const length =
      lengthBytes === 8
        ? Number(this.#rest.readBigUInt64BE(2))
        : lengthBytes === 2
          ? this.#rest.readUInt16BE(2)
          : second & 0x7f
    const start = 2 + lengthBytes
    if (second > 0x7f) throw new Error('a masked frame')
    if (this.#rest.length < start + length) return undefined
    const payload = this.#rest.subarray(start, start + length)
    this.#rest = this.#rest.subarray(start + length)
    const frame = { opcode: first & 0x0f, final: first > 0x7f, payload }
    checkFrame(frame, first)
    return frame
  }
}

const SERVER_OPCODES: ReadonlySet<number> = new Set([OPCODES.binary, OPCODES.close, OPCODES.ping, OPCODES.pong])

function checkFrame({ opcode, final, payload }: Frame, first: number): void {
  if ((first & 0x70) !== 0) throw new Error(`a frame with reserved bits: ${first.toString(16)}`)
  if (!SERVER_OPCODES.has(opcode) || !final) throw new Error(`a frame that begins ${first.toString(16)}`)
  if (opcode >= OPCODES.close && payload.length > 125) throw new Error('a control frame that is too long')
  if (opcode !== OPCODES.close || payload.length === 0) return
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0)
  const mayBeSent =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code < 5000)
  if (!mayBeSent) throw new Error(`a Close frame with code ${code}`)
}
