/**
 * Keeps the messages of one publisher in the order of the calls, although they are stored in batches: a message that is
 * ready early waits for its turn.
 */
export interface Emission {
  /** It is stored, or has failed: it leaves when it is its turn. */
  isReady: boolean
  /** Must not throw. */
  leave(): void
}

/** Number of finished entries to forget at a time. */
const LEFT = 1_000

class Line {
  #waiting: Emission[] = []
  #next = 0

  push(emission: Emission): void {
    this.#waiting.push(emission)
  }

  /** True if nobody waits any more. */
  leave(): boolean {
    for (;;) {
      const emission = this.#waiting[this.#next]
      if (emission === undefined) {
        this.#waiting = []
        this.#next = 0
        return true
      }
      if (!emission.isReady) return false
      this.#next += 1
      if (this.#next === LEFT) {
        this.#waiting.splice(0, LEFT)
        this.#next = 0
      }
      emission.leave()
    }
  }
}

export class EmissionOrder {
  readonly #lines = new Map<string, Line>()

  enter(from: string, emission: Emission): void {
    const line = this.#lines.get(from) ?? new Line()
    this.#lines.set(from, line)
    line.push(emission)
  }

  ready(from: string, emission: Emission): void {
    emission.isReady = true
    const line = this.#lines.get(from)
    // The callback may have published: the queue may have ended, and another one started.
    if (line?.leave() === true && this.#lines.get(from) === line) this.#lines.delete(from)
  }
}
