/** Rate limits, on the monotonic clock. */
import type { SharedCount } from './tally.ts'

const MINUTE_MS = 60_000

/**
 * A limit per minute and key. It counts this minute and a fading part of the previous one, so that an idle key costs
 * nothing.
 */
export class RateByKey {
  readonly #perMinute: number
  readonly #monotonic: () => number
  #minute = 0
  #current = new Map<string, number>()
  #last = new Map<string, number>()
  readonly #shared: SharedCount | undefined

  /** 0 means no limit. `shared` is what other processes count too. */
  constructor(perMinute: number, monotonic: () => number, shared?: SharedCount) {
    this.#perMinute = perMinute
    this.#monotonic = monotonic
    this.#shared = shared
    if (perMinute > 0) shared?.hear((key, times) => this.#heard(key, times))
  }

  /** False if the rate is exceeded. A refused call does not count, so a client that waits is admitted again. */
  take(key: string): boolean {
    if (this.#perMinute === 0) return true
    const now = this.#monotonic()
    this.#turn(Math.floor(now / MINUTE_MS))
    const count = this.#current.get(key) ?? 0
    const fading = (this.#last.get(key) ?? 0) * (1 - (now % MINUTE_MS) / MINUTE_MS)
    if (count + fading >= this.#perMinute) return false
    this.#current.set(key, count + 1)
    this.#shared?.tell(key, 1)
    return true
  }

  #heard(key: string, times: number): void {
    this.#turn(Math.floor(this.#monotonic() / MINUTE_MS))
    this.#current.set(key, (this.#current.get(key) ?? 0) + times)
  }

  #turn(minute: number): void {
    if (minute === this.#minute) return
    this.#last = minute === this.#minute + 1 ? this.#current : new Map()
    this.#current = new Map()
    this.#minute = minute
  }
}

/** Burst: seconds whose share may be used at once. */
const BURST_SECONDS = 10

/** A limit per second, with a burst of ten seconds' worth. */
class Rate {
  readonly #perSecond: number
  readonly #monotonic: () => number
  #left: number
  #at: number

  constructor(perSecond: number, monotonic: () => number) {
    this.#perSecond = perSecond
    this.#monotonic = monotonic
    this.#left = perSecond * BURST_SECONDS
    this.#at = monotonic()
  }

  /** False if it is too often. */
  take(): boolean {
    this.#gain()
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }

  /** Other processes have used this many. */
  taken(times: number): void {
    this.#gain()
    this.#left = Math.max(0, this.#left - times)
  }

  #gain(): void {
    const now = this.#monotonic()
    const gained = ((now - this.#at) / 1000) * this.#perSecond
    this.#left = Math.min(this.#left + gained, this.#perSecond * BURST_SECONDS)
    this.#at = now
  }
}

/**
 * A `Rate` for each key, across reconnects. A key is forgotten after it has been idle long enough to regain its whole
 * share.
 */
export class Rates {
  readonly #perSecond: number
  readonly #monotonic: () => number
  #turnedAt: number
  #current = new Map<string, Rate>()
  #last = new Map<string, Rate>()
  readonly #shared: SharedCount | undefined

  /** 0 means no limit. `shared` is what other processes count too. */
  constructor(perSecond: number, monotonic: () => number, shared?: SharedCount) {
    this.#perSecond = perSecond
    this.#monotonic = monotonic
    this.#turnedAt = monotonic()
    this.#shared = shared
    if (perSecond > 0) shared?.hear((key, times) => this.#rateOf(key).taken(times))
  }

  /** False if it is too often. */
  take(key: string): boolean {
    if (this.#perSecond === 0) return true
    if (!this.#rateOf(key).take()) return false
    this.#shared?.tell(key, 1)
    return true
  }

  #rateOf(key: string): Rate {
    const now = this.#monotonic()
    if (now - this.#turnedAt >= BURST_SECONDS * 1000) {
      this.#last = this.#current
      this.#current = new Map()
      this.#turnedAt = now
    }
    let rate = this.#current.get(key)
    if (rate === undefined) {
      rate = this.#last.get(key) ?? new Rate(this.#perSecond, this.#monotonic)
      this.#current.set(key, rate)
    }
    return rate
  }
}
