/** Delivers broadcasts with `ttl: 0` to the devices of a node, one after the other. */
import type { BroadcastEntry } from '../../store/contract.ts'

interface TellQueueOptions {
  readonly tell: (entry: BroadcastEntry) => Promise<void>
  readonly dropped: () => void
  readonly failed: (error: unknown) => void
}

const MOST = 256
const MOST_BYTES = 4 * 1024 * 1024

export class TellQueue {
  readonly #options: TellQueueOptions
  /** The first is being told. */
  readonly #waiting: BroadcastEntry[] = []
  #bytes = 0

  constructor(options: TellQueueOptions) {
    this.#options = options
  }

  /** One that finds the queue full is dropped. */
  add(entry: BroadcastEntry): void {
    const { byteLength } = entry.payload
    const isFirst = this.#waiting.length === 0
    if (!isFirst && (this.#waiting.length >= MOST || this.#bytes + byteLength > MOST_BYTES))
      return this.#options.dropped()
    this.#waiting.push(entry)
    this.#bytes += byteLength
    if (isFirst) this.#run().catch((error: unknown) => this.#options.failed(error))
  }

  async #run(): Promise<void> {
    for (let entry = this.#waiting[0]; entry !== undefined; entry = this.#waiting[0]) {
      try {
        await this.#options.tell(entry)
      } catch (error) {
        this.#options.failed(error)
      }
      this.#waiting.shift()
      this.#bytes -= entry.payload.byteLength
    }
  }
}
