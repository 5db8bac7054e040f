/** The delay before a bridge reconnects: constant, or with decorrelated jitter up to a cap. */
import type { BridgeRestart } from '../conf/bridge-options.ts'

export class Restart {
  readonly #restart: BridgeRestart
  readonly #random: () => number
  #seconds: number

  constructor(restart: BridgeRestart, random: () => number) {
    this.#restart = restart
    this.#random = random
    this.#seconds = restart.base
  }

  /** Milliseconds, after a connection that lasted so long; undefined: there was none. */
  next(lastedMs: number | undefined): number {
    const { base, cap, stable } = this.#restart
    if (cap === undefined) return base * 1000
    const isStable = lastedMs !== undefined && lastedMs >= stable * 1000
    this.#seconds = isStable ? base : Math.min(cap, base + this.#random() * Math.max(0, this.#seconds * 3 - base))
    return this.#seconds * 1000
  }
}
