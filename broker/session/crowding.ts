/**
 * Backpressure: a queue that fills delays its publisher for a moment, so that a client that reads can take a burst. A
 * client that has not made room by then is slow, and delays nobody until it has.
 */

/** ms */
const PATIENCE_MS = 500

export class Crowding {
  #state: 'free' | 'crowded' | 'slow' = 'free'
  #waiting: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined

  /** Its publishers wait. */
  get holds(): boolean {
    return this.#state === 'crowded'
  }

  get isFree(): boolean {
    return this.#state === 'free'
  }

  /** It is more than half full. */
  begin(): void {
    if (this.#state !== 'free') return
    this.#state = 'crowded'
    this.#timer = setTimeout(() => this.#end('slow'), PATIENCE_MS).unref()
  }

  /** It has room. */
  relieve(): void {
    clearTimeout(this.#timer)
    this.#end('free')
  }

  /** Resolves when it holds nobody up. */
  async over(): Promise<void> {
    if (this.holds) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #end(state: 'free' | 'slow'): void {
    this.#state = state
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) each()
  }
}
