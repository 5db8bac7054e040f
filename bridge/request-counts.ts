/** How often each address asked, for @fastify/rate-limit: its own store counts by the wall clock, which may be set. */
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'

/** Addresses that are counted; beyond them, the one whose first request is oldest is counted anew. */
const MOST_ADDRESSES = 5_000

interface Window {
  count: number
  readonly startedAt: number
}

/** The class of a store; `monotonic` gives milliseconds that only grow. */
export function requestCounts(monotonic: () => number): FastifyRateLimitStoreCtor {
  return class RequestCounts implements FastifyRateLimitStore {
    readonly #windows = new Map<string, Window>()

    incr(
      address: string,
      callback: (error: Error | null, result?: { current: number; ttl: number }) => void,
      timeWindow: number,
    ): void {
      const now = monotonic()
      let window = this.#windows.get(address)
      if (window === undefined || now >= window.startedAt + timeWindow) {
        window = { count: 0, startedAt: now }
        // Set anew, so that the map stays in the order in which the windows started.
        this.#windows.delete(address)
        this.#windows.set(address, window)
        if (this.#windows.size > MOST_ADDRESSES) this.#forgetOldest()
      }
      window.count++
      callback(null, { current: window.count, ttl: window.startedAt + timeWindow - now })
    }

    /** The routes share one count. */
    child(): FastifyRateLimitStore {
      return this
    }

    #forgetOldest(): void {
      const [oldest] = this.#windows.keys()
      if (oldest !== undefined) this.#windows.delete(oldest)
    }
  }
}
