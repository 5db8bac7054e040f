/**
 * Hashing a password is made to cost much, so passwords are hashed one at a time: guessing takes one thread of the pool
 * that the store needs too, and no more. Who waits is served in rotation, and who was wrong too often is not.
 */
import { LRUCache } from 'lru-cache'

interface CheckLimits {
  /** Wrong passwords a minute of one user from one address; 0 is without limit. */
  readonly failures: number
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number
}

interface Check {
  readonly username: string
  readonly address: string
  /** The client still waits for the answer. */
  isWanted(): boolean
  /** Whether the password is right. */
  run(): Promise<boolean>
}

/** `busy`: not checked; the client may try again later. */
export type Verdict = 'right' | 'wrong' | 'busy'

interface Waiting {
  readonly check: Check
  readonly answer: (verdict: Verdict) => void
  readonly fail: (error: unknown) => void
}

const MINUTE_MS = 60_000
const MOST_WAITING = 1_000
/** Users and addresses whose wrong passwords are remembered. */
const MOST_REMEMBERED = 10_000

export class PasswordChecks {
  readonly #limit: number
  readonly #failures: LRUCache<string, { count: number }>
  /** By user and address, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting[]>()
  #count = 0
  #running = false

  constructor({ failures, now }: CheckLimits) {
    this.#limit = failures
    this.#failures = new LRUCache({ max: MOST_REMEMBERED, ttl: MINUTE_MS, ttlResolution: 0, perf: { now } })
  }

  take(check: Check): Promise<Verdict> {
    if (this.#count >= MOST_WAITING) return Promise.resolve('busy')
    this.#count++
    return new Promise((answer, fail) => {
      const key = keyOf(check)
      const waiting = { check, answer, fail }
      const ofKey = this.#waiting.get(key)
      if (ofKey === undefined) this.#waiting.set(key, [waiting])
      else ofKey.push(waiting)
      if (!this.#running) this.#run().catch(fail)
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { check, answer, fail } = next
      try {
        answer(check.isWanted() && !this.#isBarred(check) ? await this.#verdict(check) : 'busy')
      } catch (error) {
        fail(error)
      }
    }
    this.#running = false
  }

  /** One of each key, then the next of each. */
  #next(): Waiting | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const [key, ofKey] = first
    const next = ofKey.shift()
    this.#waiting.delete(key)
    if (ofKey.length > 0) this.#waiting.set(key, ofKey)
    this.#count--
    return next
  }

  #isBarred(check: Check): boolean {
    return this.#limit > 0 && (this.#failures.get(keyOf(check))?.count ?? 0) >= this.#limit
  }

  async #verdict(check: Check): Promise<Verdict> {
    if (await check.run()) return 'right'
    const known = this.#failures.get(keyOf(check))
    if (known === undefined) this.#failures.set(keyOf(check), { count: 1 })
    else known.count++
    return 'wrong'
  }
}

function keyOf({ username, address }: Check): string {
  return JSON.stringify([address, username])
}
