/** Counts what is stored for users. Counted on demand, and only so often that it never takes much time. */
import type { SessionUsage, Store } from '../store/contract.ts'
import type { RetainedMessages } from './aedes/retained-topics.ts'
import type { StoredCounts } from './general-access.ts'
import { USER_SESSIONS } from './session/user-sessions.ts'

interface StoredCounterOptions {
  readonly store: Pick<Store, 'namedSessions' | 'sessionUsage'>
  readonly retained: Pick<RetainedMessages, 'usage'>
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** How long a count is reused, ms, and for how many times the duration of counting. */
const GOOD_MS = 2_000
const TIMES = 30

export class StoredCounter {
  readonly #options: StoredCounterOptions
  #counts: Promise<StoredCounts> | undefined
  #goodUntil = 0

  constructor(options: StoredCounterOptions) {
    this.#options = options
  }

  /** @throws STORE_UNAVAILABLE */
  async counts(): Promise<StoredCounts> {
    if (this.#counts === undefined || this.#options.monotonic() >= this.#goodUntil) {
      this.#goodUntil = Number.POSITIVE_INFINITY
      this.#counts = this.#count()
    }
    return await this.#counts
  }

  async #count(): Promise<StoredCounts> {
    const { store, retained, monotonic } = this.#options
    const began = monotonic()
    try {
      const sessions = await (store.sessionUsage?.(USER_SESSIONS) ?? usageOf(store))
      const topics = await retained.usage()
      return {
        sessionsAway: sessions.away,
        retained: topics.messages,
        messages: sessions.messages + topics.messages,
        bytes: sessions.bytes + topics.bytes,
      }
    } catch (error) {
      this.#counts = undefined
      throw error
    } finally {
      const now = monotonic()
      this.#goodUntil = now + Math.max(GOOD_MS, (now - began) * TIMES)
    }
  }
}

/** Over Redis what their logs hold is not counted. */
async function usageOf(store: Pick<Store, 'namedSessions'>): Promise<SessionUsage> {
  let away = 0
  for await (const { name, held } of store.namedSessions()) if (!held && name.startsWith(USER_SESSIONS)) away += 1
  return { away, messages: 0, bytes: 0 }
}
