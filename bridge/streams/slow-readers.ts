/**
 * Limits what is buffered for all clients of streams. A stream reads and writes nothing more until its client has read
 * what is there, so that each holds one event. If all together hold too much, the streams that have been blocked
 * longest are closed.
 */
export class SlowReaders {
  readonly #most: number
  /** In the order in which they began to wait. */
  readonly #held = new Map<object, { readonly bytes: number; readonly cut: () => void }>()
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The client of this one does not take what was written. `cut` closes its connection. */
  holds(stream: object, bytes: number, cut: () => void): void {
    this.takes(stream)
    this.#held.set(stream, { bytes, cut })
    this.#bytes += bytes
    for (const [oldest, held] of this.#held) {
      if (this.#bytes <= this.#most) return
      this.takes(oldest)
      held.cut()
    }
  }

  /** It has taken all, or is gone. */
  takes(stream: object): void {
    this.#bytes -= this.#held.get(stream)?.bytes ?? 0
    this.#held.delete(stream)
  }
}
