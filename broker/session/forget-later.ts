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
const LOOKED_AT_MS = 1_000

export class ForgetLater {
  readonly #monotonic: () => number
  readonly #keptMs: number
  readonly #waiting: { readonly since: number; readonly forget: () => void }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor({ callMs, monotonic }: ForgetLaterOptions) {
    this.#monotonic = monotonic
    this.#keptMs = Math.max(KEPT_MS, CALLS * callMs)
  }

  /** Where the process is killed before, the store forgets it in a day. */
  add(forget: () => void): void {
    this.#waiting.push({ since: this.#monotonic(), forget })
    this.#timer ??= setInterval(() => this.#look(), LOOKED_AT_MS).unref()
  }

  /** Nothing of this process is under way any more. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { forget } of this.#waiting.splice(0)) forget()
  }

  #look(): void {
    const before = this.#monotonic() - this.#keptMs
    const first = this.#waiting.findIndex(({ since }) => since > before)
    const due = this.#waiting.splice(0, first < 0 ? this.#waiting.length : first)
    if (this.#waiting.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    for (const { forget } of due) forget()
  }
}
