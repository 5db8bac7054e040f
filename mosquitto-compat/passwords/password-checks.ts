/**
 * Hashing a password is made to cost much, so passwords are hashed one at a time: guessing takes one thread of the pool that
 * the store needs too, and no more. Next is whose address and username have asked least of late: who guesses from one
 * address, whatever names, and who guesses one name, from whatever addresses, waits behind everybody else, and gives way
 * when too many wait. Who was wrong too often from one address is not looked at for a while. Passwords that have fitted
 * before (`Passwords.isKnown`) do not come here at all.
 */
import { LRUCache } from 'lru-cache'
import { networkOf, plainAddress } from '../../common/networks.ts'

interface CheckLimits {
  /** Wrong passwords a minute for one user from one address; 0 means no limit. */
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
  /** What is counted of its address, and of its username. */
  readonly keys: readonly [address: string, username: string]
  readonly answer: (verdict: Verdict) => void
  readonly fail: (error: unknown) => void
}

const MINUTE_MS = 60_000
const MOST_WAITING = 1_000
/** So that a flood from one address costs no look at all who wait. */
const MOST_WAITING_OF_ONE = MOST_WAITING / 2
/** Many of it are less than one. */
const SLIGHT = 1e-9
/** User names, addresses, and both together, of which something is remembered. */
const MOST_REMEMBERED = 10_000

export class PasswordChecks {
  readonly #limit: number
  readonly #wrong: Recent
  /** By key: checks of the last minute. */
  readonly #checked: Recent
  /** By key: checks that wait. */
  readonly #waitingOf = new Map<string, number>()
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>()
  #running = false

  constructor({ failures, now }: CheckLimits) {
    this.#limit = failures
    this.#wrong = new Recent(now)
    this.#checked = new Recent(now)
  }

  take(check: Check): Promise<Verdict> {
    return new Promise((answer, fail) => {
      const { username, address } = check
      const waiting: Waiting = {
        check,
        keys: [`address ${networkOf(plainAddress(address))}`, `user ${username}`],
        answer,
        fail,
      }
      this.#add(waiting)
      if (!this.#running) this.#run().catch(fail)
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { check, answer, fail } = next
      try {
        answer(check.isWanted() && !this.#isBarred(next) ? await this.#verdict(next) : 'busy')
      } catch (error) {
        fail(error)
      }
    }
    this.#running = false
  }

  #add(waiting: Waiting): void {
    if (waiting.keys.some((key) => (this.#waitingOf.get(key) ?? 0) >= MOST_WAITING_OF_ONE))
      return waiting.answer('busy')
    this.#waiting.add(waiting)
    for (const key of waiting.keys) this.#waitingOf.set(key, (this.#waitingOf.get(key) ?? 0) + 1)
    if (this.#waiting.size <= MOST_WAITING) return
    const worst = this.#best((one, other) => one >= other)
    if (worst !== undefined) this.#remove(worst)
    worst?.answer('busy')
  }

  #remove(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    for (const key of waiting.keys) {
      const left = (this.#waitingOf.get(key) ?? 1) - 1
      if (left === 0) this.#waitingOf.delete(key)
      else this.#waitingOf.set(key, left)
    }
  }

  #next(): Waiting | undefined {
    const next = this.#best((one, other) => one < other)
    if (next !== undefined) this.#remove(next)
    return next
  }

  #best(isBetter: (load: number, than: number) => boolean): Waiting | undefined {
    let best: Waiting | undefined
    let bestLoad = 0
    for (const each of this.#waiting) {
      const load = this.#loadOf(each)
      if (best !== undefined && !isBetter(load, bestLoad)) continue
      best = each
      bestLoad = load
    }
    return best
  }

  /** The higher of what its address and its username ask for; where that is the same, the other decides. */
  #loadOf({ keys: [address, username] }: Waiting): number {
    const [one, other] = [this.#loadOfKey(address), this.#loadOfKey(username)]
    return Math.max(one, other) + Math.min(one, other) * SLIGHT
  }

  #loadOfKey(key: string): number {
    return this.#checked.count(key) + (this.#waitingOf.get(key) ?? 0)
  }

  #isBarred({ keys }: Waiting): boolean {
    return this.#limit > 0 && this.#wrong.count(keys.join(' ')) >= this.#limit
  }

  async #verdict({ check, keys }: Waiting): Promise<Verdict> {
    for (const key of keys) this.#checked.add(key)
    if (await check.run()) return 'right'
    this.#wrong.add(keys.join(' '))
    return 'wrong'
  }
}

/** How often something was, in the minute since it first was. */
class Recent {
  readonly #counts: LRUCache<string, { count: number }>

  constructor(now: () => number) {
    this.#counts = new LRUCache({ max: MOST_REMEMBERED, ttl: MINUTE_MS, ttlResolution: 0, perf: { now } })
  }

  count(key: string): number {
    return this.#counts.get(key)?.count ?? 0
  }

  add(key: string): void {
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { count: 1 })
    else known.count++
  }
}
