import { PushError } from '../errors.ts'

/** Of a timer of Node: a longer one would come at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A timer for what may be years away: who is woken by it looks at the clock. */
export function timerAtMost(work: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(work, Math.min(ms, LONGEST_TIMER_MS))
}

/** A request that waits until there may be something to answer. */
export class Poll {
  /** The time is up, the client is gone, the server shuts down, or newer polls need the room. */
  isOver = false
  /** Why, where the client is to be told: not when its time is up, or it is gone. */
  endedBy: PushError | undefined
  #isAwake = false
  #resolve: (() => void) | undefined
  readonly #left: () => void
  readonly #stop: (() => void)[] = []

  /** `left`: nobody waits any more; called once or more. */
  constructor(left: () => void) {
    this.#left = left
  }

  /** It looks again every `recheckMs`, whatever wake was lost. `waitMs`: undefined is without end. */
  start(waitMs: number | undefined, recheckMs: number, gone: AbortSignal): void {
    const end = () => this.end()
    const deadline = waitMs === undefined ? undefined : setTimeout(end, waitMs)
    const recheck = setInterval(() => this.recheck(), recheckMs)
    gone.addEventListener('abort', end, { once: true })
    this.onLeave(() => {
      clearTimeout(deadline)
      clearInterval(recheck)
      gone.removeEventListener('abort', end)
    })
    if (gone.aborted) this.end()
  }

  protected recheck(): void {
    this.wake()
  }

  protected onLeave(stop: () => void): void {
    this.#stop.push(stop)
  }

  /** Resolves when there may be something to read, or the poll is over. What came since the last call counts. */
  woken(): Promise<void> {
    if (this.#isAwake || this.isOver) {
      this.#isAwake = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  wake(): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    if (resolve === undefined) this.#isAwake = true
    else resolve()
  }

  end(by?: PushError): void {
    if (!this.isOver) this.endedBy = by
    this.isOver = true
    this.wake()
  }

  /** The server shuts down. */
  close(): void {
    this.end(new PushError('SHUTTING_DOWN'))
  }

  /** Newer ones need its room. */
  makeRoom(): void {
    this.end(new PushError('RATE_LIMITED', 'a newer request took the place of this one'))
  }

  leave(): void {
    for (const stop of this.#stop.splice(0)) stop()
    this.#left()
  }
}
