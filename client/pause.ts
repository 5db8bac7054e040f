/** Delays between attempts, and timeouts. */

const FIRST_MS = 1_000
const LONGEST_MS = 60_000
/** Limits the delay that a proxy can request. */
const MOST_ASKED_MS = 3_600_000
/** The maximum of a timer is 24 days. */
const TIMER_MS = 86_400_000

/** Doubles with each attempt, up to a minute, with jitter so that clients do not all return at once. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1)) * (0.5 + random() / 2)
}

/**
 * Waits before another attempt: the delay that the server requests, plus jitter. Coming online again ends the jitter.
 */
export async function backOff(attempt: number, signal: AbortSignal, least = 0): Promise<void> {
  await pause(Math.min(least, MOST_ASKED_MS), signal)
  const scope: unknown = globalThis
  await pause(backOffMs(attempt), signal, scope instanceof EventTarget ? scope : undefined)
}

/** Resolves after a time, when the signal is aborted, or when the device is online again. */
export function pause(ms: number, signal: AbortSignal, online?: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      online?.removeEventListener('online', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(ms, TIMER_MS))
    signal.addEventListener('abort', done)
    online?.addEventListener('online', done)
  })
}

/** A signal that is aborted with another one, or after a time without activity. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #abort = () => this.#controller.abort()
  /** The time was over. */
  isOver = false

  constructor(ms: number, outer?: AbortSignal) {
    this.#outer = outer
    if (outer?.aborted === true) this.#abort()
    outer?.addEventListener('abort', this.#abort)
    this.restart(ms)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  restart(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.isOver = true
      this.#abort()
    }, ms)
  }

  /**
   * Resolves with the result of the work, unless aborted before. The fetch of Node 20 loses its signal in garbage
   * collection: reading a body then never ends.
   */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = () => reject(this.signal.reason)
      if (this.signal.aborted) gone()
      this.signal.addEventListener('abort', gone)
      work.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', gone))
    })
  }

  /** Until the next restart there is none. */
  rest(): void {
    clearTimeout(this.#timer)
  }

  /** Ends what it is for. */
  end(): void {
    this.rest()
    this.#outer?.removeEventListener('abort', this.#abort)
    this.#abort()
  }
}
