/**
 * Forgets late what keeps a message of QoS 2 from being delivered twice. A connection that was taken over, or a member whose
 * claim is over, may still be storing the message, as long as its calls of the store take.
 */

interface ForgetLaterOptions {
  /** How long a call may wait for Redis. */
  readonly callMs: number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** It lasts so long at least, and so many times what a call may take. */
const KEPT_MS = 15_000
const CALLS = 4
/** More are forgotten early, the oldest first. */
const MOST = 100_000
/** So that a busy node forgets a few at a time. */
const LOOKED_AT_MS = 100

interface Waiting {
  readonly since: number
  readonly forget: () => void
}

export class ForgetLater {
  readonly #monotonic: () => number
  readonly #keptMs: number
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>()
  #timer: NodeJS.Timeout | undefined

  constructor({ callMs, monotonic }: ForgetLaterOptions) {
    this.#monotonic = monotonic
    this.#keptMs = Math.max(KEPT_MS, CALLS * callMs)
  }

  /** Where the process is killed before, the store forgets it in a day. */
  add(forget: () => void): void {
    if (this.#waiting.size >= MOST) this.#forgetUntil(Infinity, 1)
    this.#waiting.add({ since: this.#monotonic(), forget })
    this.#timer ??= setInterval(() => this.#look(), LOOKED_AT_MS).unref()
  }

  /** Nothing of this process is under way any more. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#forgetUntil(Infinity)
  }

  #look(): void {
    this.#forgetUntil(this.#monotonic() - this.#keptMs)
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #forgetUntil(time: number, most = Infinity): void {
    let count = 0
    for (const each of this.#waiting) {
      if (each.since > time || count === most) return
      count += 1
      this.#waiting.delete(each)
      each.forget()
    }
  }
}
