/** Counts waiting requests in all processes: in total and per key. */
import type { Gauge } from 'prom-client'
import type { SharedCount } from '../common/tally.ts'
import { PushError } from '../errors.ts'

export class Waiting {
  readonly #most: number
  readonly #shared: SharedCount | undefined
  readonly #elsewhere = new Map<string, number>()
  readonly #crowded: ((key: string, elsewhere: number) => void)[] = []
  #open = 0

  readonly #gauge: Pick<Gauge, 'inc' | 'dec'>

  constructor(most: number, gauge: Pick<Gauge, 'inc' | 'dec'>, shared?: SharedCount) {
    this.#most = most
    this.#gauge = gauge
    this.#shared = shared
    shared?.hear((key, change) => this.#heard(key, change))
  }

  /** Another one came for this key, in another process, of which all together have so many: too many end the oldest here. */
  onCrowded(listener: (key: string, elsewhere: number) => void): void {
    this.#crowded.push(listener)
  }

  /** @throws RATE_LIMITED */
  check(): void {
    if (this.#open >= this.#most) throw new PushError('RATE_LIMITED', 'too many long polls')
  }

  add(key: string): void {
    this.#open++
    this.#gauge.inc()
    this.#shared?.tell(key, 1)
  }

  remove(key: string): void {
    this.#open--
    this.#gauge.dec()
    this.#shared?.tell(key, -1)
  }

  #heard(key: string, change: number): void {
    this.#open += change
    const count = (this.#elsewhere.get(key) ?? 0) + change
    if (count === 0) this.#elsewhere.delete(key)
    else this.#elsewhere.set(key, count)
    if (change > 0) for (const listener of this.#crowded) listener(key, count)
  }
}
