/** Waiting: for another attempt, and for an answer no longer than so long. */

const FIRST_MS = 1_000
const LONGEST_MS = 60_000
/** A proxy that asks for a day is not obeyed. */
const MOST_ASKED_MS = 3_600_000
/** What a timer takes at most is 24 days. */
const TIMER_MS = 86_400_000

/** Twice as long with each attempt, up to a minute, and with some randomness, so that not all clients come at one time. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1)) * (0.5 + random() / 2)
}

/**
 * Waits for another attempt: for what the server asks, and then some time more, so that not all come at once. Being online
 * again ends the latter.
 */
export async function backOff(attempt: number, signal: AbortSignal, least = 0): Promise<void> {
  await pause(Math.min(least, MOST_ASKED_MS), signal)
  const scope: unknown = globalThis
  await pause(backOffMs(attempt), signal, scope instanceof EventTarget ? scope : undefined)
}

/** Resolves after a time, or when the signal is aborted, or when it is online again. */
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

/** A signal that is aborted with another one, or when nothing has happened for a time. */
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
   * What comes of the work, unless this is aborted before. The fetch of Node 20 forgets its signal when memory is
   * collected: a body that is being read then never ends.
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
