/** A memory budget for the queues of all clients of this process. Beyond it, the largest queue is shed first. */

/** Overhead of a queued message besides its payload, bytes. */
export const OVERHEAD = 200

export interface Holder {
  /** Bytes that it currently holds. */
  readonly bytes: number
  /** Frees as much as it can. */
  shed(): void
}

export class MemoryBudget {
  readonly #limit: number
  readonly #holders = new Set<Holder>()
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds bytes that the holder already counts in `bytes`. */
  add(holder: Holder, bytes: number): void {
    this.#holders.add(holder)
    this.#bytes += bytes
    while (this.#bytes > this.#limit) {
      const before = this.#bytes
      this.#largest()?.shed()
      if (this.#bytes >= before) return
    }
  }

  remove(holder: Holder, bytes: number): void {
    this.#bytes -= bytes
    if (holder.bytes === 0) this.#holders.delete(holder)
  }

  #largest(): Holder | undefined {
    let largest: Holder | undefined
    for (const each of this.#holders) if (largest === undefined || each.bytes > largest.bytes) largest = each
    return largest
  }
}
