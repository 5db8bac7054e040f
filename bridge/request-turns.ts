/**
 * Lets a few requests proceed in one turn of the event loop and the others in later turns, in which principals take
 * turns. A response takes several turns, so that a request does not wait for those of somebody else.
 */

/** Of one turn. */
const TOGETHER = 3
/** The same, of a principal that is alone: more in one go cost less. */
const TOGETHER_ALONE = 32
/** A principal that has asked for nothing for this time is not there, ms. */
const GONE_MS = 1_000

export class RequestTurns {
  readonly #monotonic: () => number
  #last = ''
  /** When another principal than the one before asked for something. */
  #changedAt = Number.NEGATIVE_INFINITY
  #begun = 0
  #scheduled = false
  /** By principal, in the order of their turns. */
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  /** What a request has to wait for; undefined: nothing. Nobody overtakes one of the same principal. */
  take(principal: string): Promise<void> | undefined {
    this.#schedule()
    if (principal !== this.#last) {
      this.#last = principal
      this.#changedAt = this.#monotonic()
    }
    if (this.#waiting.size === 0 && this.#begun < this.#together) {
      this.#begun += 1
      return undefined
    }
    return new Promise((resolve) => {
      const ofOne = this.#waiting.get(principal)
      if (ofOne === undefined) this.#waiting.set(principal, new Set([resolve]))
      else ofOne.add(resolve)
    })
  }

  get #together(): number {
    return this.#monotonic() - this.#changedAt < GONE_MS ? TOGETHER : TOGETHER_ALONE
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#scheduled = false
    this.#begun = 0
    const together = this.#together
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#begun += 1
      next()
      if (this.#begun >= together) break
    }
    if (this.#begun > 0) this.#schedule()
  }

  #next(): (() => void) | undefined {
    for (const [principal, ofOne] of this.#waiting) {
      const [resolve] = ofOne
      this.#waiting.delete(principal)
      if (resolve !== undefined) ofOne.delete(resolve)
      if (ofOne.size > 0) this.#waiting.set(principal, ofOne)
      return resolve
    }
    return undefined
  }
}
