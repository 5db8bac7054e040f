/** A request that waits until there may be something to answer. */
export class Poll {
  /** The time is up, the client is gone, the server shuts down, or newer polls need the room. */
  isOver = false
  #isAwake = false
  #resolve: (() => void) | undefined
  readonly #left: () => void
  readonly #stop: (() => void)[] = []

  /** `left`: nobody waits any more; called once or more. */
  constructor(left: () => void) {
    this.#left = left
  }

  /** It looks again every `recheckMs`, whatever wake was lost. */
  start(waitMs: number, recheckMs: number, gone: AbortSignal): void {
    const end = () => this.end()
    const deadline = setTimeout(end, waitMs)
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

  end(): void {
    this.isOver = true
    this.wake()
  }

  leave(): void {
    for (const stop of this.#stop.splice(0)) stop()
    this.#left()
  }
}
