/** Fair sharing of the event loop: long work is done in slices, and others get a turn between two slices. */

/** The work of one slice. A unit is a small step, roughly a microsecond. */
export const SLICE = 2_000

export class Turns {
  #spent = 0
  #scheduled = false
  /** Waiting callers by key, in the order of their turns. */
  readonly #waiting = new Map<string, Set<() => void>>()

  /** Counts work of this turn of the event loop. False if the turn is used up: await `next` before doing more. */
  spend(units: number): boolean {
    this.#spent += units
    this.#schedule()
    return this.#spent < SLICE
  }

  /** Counts work; returns what to await before doing more, if anything. */
  take(key: string, units: number): Promise<void> | undefined {
    return this.spend(units) ? undefined : this.next(key)
  }

  /**
   * Resolves in a later turn of the event loop, for one caller per turn. Keys take turns, however many callers wait
   * under each: one app or principal delays the others by one slice only.
   */
  next(key: string): Promise<void> {
    return new Promise((resolve) => {
      const ofKey = this.#waiting.get(key)
      if (ofKey === undefined) this.#waiting.set(key, new Set([resolve]))
      else ofKey.add(resolve)
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#scheduled = false
    this.#spent = 0
    const [first] = this.#waiting
    if (first === undefined) return
    const [key, ofKey] = first
    const [resolve] = ofKey
    this.#waiting.delete(key)
    if (resolve !== undefined) ofKey.delete(resolve)
    if (ofKey.size > 0) this.#waiting.set(key, ofKey)
    if (this.#waiting.size > 0) this.#schedule()
    resolve?.()
  }
}
