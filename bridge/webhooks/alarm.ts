/** Waits for a time or for a wake-up, whichever comes first. */
export class Alarm {
  #isAwake = false
  #resolve: (() => void) | undefined

  /** What came since the last wait counts. */
  wait(ms: number): Promise<void> {
    if (this.#isAwake) {
      this.#isAwake = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), Math.min(ms, LONGEST_TIMER_MS))
      this.#resolve = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  wake(): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    if (resolve === undefined) this.#isAwake = true
    else resolve()
  }
}

/** Node fires a longer one at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
