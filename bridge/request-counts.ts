/** Counts requests by address for @fastify/rate-limit, whose own store uses the wall clock, which may be changed. */
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'

import { LRUCache } from 'lru-cache'
import type { SharedCount } from '../common/tally.ts'

/** Addresses that are counted; beyond them, the one whose first request is oldest is counted again. */
const MOST_ADDRESSES = 5_000

/** The window of those whose requests come to other processes only, ms. */
const MINUTE_MS = 60_000

interface Window {
  count: number
  readonly startedAt: number
}

/** The class of a store; `monotonic` gives milliseconds of a monotonic clock, `shared` is what other processes count too. */
export function requestCounts(monotonic: () => number, shared?: SharedCount): FastifyRateLimitStoreCtor {
  return class RequestCounts implements FastifyRateLimitStore {
    readonly #windows = new LRUCache<string, Window>({ max: MOST_ADDRESSES })

    constructor() {
      shared?.hear((address, times) => void (this.#windowOf(address, MINUTE_MS).count += times))
    }

    incr(
      address: string,
      callback: (error: Error | null, result?: { current: number; ttl: number }) => void,
      timeWindow: number,
    ): void {
      const window = this.#windowOf(address, timeWindow)
      window.count++
      shared?.tell(address, 1)
      callback(null, { current: window.count, ttl: window.startedAt + timeWindow - monotonic() })
    }

    #windowOf(address: string, timeWindow: number): Window {
      const now = monotonic()
      let window = this.#windows.get(address)
      if (window === undefined || now >= window.startedAt + timeWindow) {
        window = { count: 0, startedAt: now }
        this.#windows.set(address, window)
      }
      return window
    }

    /** The routes share one count. */
    child(): FastifyRateLimitStore {
      return this
    }
  }
}
