/** Broadcasts that were removed from the log a moment ago, so that entries read before are not sent. */

/** What was read is checked again sooner than this, ms. */
const REMEMBERED_MS = 5_000
/** If there are more, only the check of the log finds them. */
const MOST = 10_000

export class RemovedBroadcasts {
  readonly #monotonic: () => number
  /** Offset to when it was heard, in that order. */
  readonly #at = new Map<number, number>()

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  has(offset: number): boolean {
    return this.#at.size > 0 && this.#at.has(offset)
  }

  add(offset: number): void {
    const now = this.#monotonic()
    for (const [each, at] of this.#at) {
      if (now - at < REMEMBERED_MS && this.#at.size < MOST) break
      this.#at.delete(each)
    }
    this.#at.delete(offset)
    this.#at.set(offset, now)
  }
}
