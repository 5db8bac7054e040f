import type { Buffer } from 'node:buffer'

/**
 * The bytes of a packet.
 *
 * `raw` is a view created on demand, because most receivers of PUBACK and PINGREQ never use it.
 */
export class PacketBytes {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  get size(): number {
    return this.#end - this.#start
  }

  get raw(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end)
  }
}
