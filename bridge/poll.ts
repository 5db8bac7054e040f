import { PushError } from '../errors.ts'

/** The maximum delay of a Node.js timer: a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A timer for events that may be years away: the callback checks the clock. */
export function timerAtMost(work: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(work, Math.min(ms, LONGEST_TIMER_MS))
}

/** A request that waits until there may be something to return. */
export class Poll {
  /** Ended: the time is up, the client has gone, the server is shutting down, or newer polls need the room. */
  isOver = false
  /** The reason, if the client is to be told: not if the time is up or the client has gone. */
  endedBy: PushError | undefined
  #isAwake = false
  #resolve: (() => void) | undefined
  readonly #left: () => void
  readonly #stop: (() => void)[] = []

  /** `left`: nobody waits any more; called once or more. */
  constructor(left: () => void) {
    this.#left = left
  }

  /** Checks again every `recheckMs`, in case a wake was lost. `waitMs`: undefined for no end. */
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

  /** Resolves when there may be something to read, or the poll has ended. What arrived since the last call counts. */
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
    this.end(new PushError('RATE_LIMITED', 'a newer request replaced this one'))
  }

  leave(): void {
    for (const stop of this.#stop.splice(0)) stop()
    this.#left()
  }
}
