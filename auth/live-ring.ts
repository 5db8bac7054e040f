/**
 * The signing keys of message tokens as they change at run time. What is known about a key only grows: that it exists,
 * and that it was retired. So the order of notices does not matter, and a store that lost some of it is told again.
 */
import { PushError } from '../errors.ts'
import type { Algorithm, RingKey } from './keys.ts'
import type { Ring, SigningKeyInfo } from './ring.ts'

export interface SigningKey {
  readonly kid: string
  readonly algorithm: Algorithm
  /** Absent: it was retired, and nobody has it any more. */
  readonly key?: RingKey
  /** Milliseconds since the epoch, as the others. */
  readonly createdAt: number
  /** Not before: others have to know it then. */
  readonly signsFrom: number
  readonly retiredAt?: number
}

interface LiveRingOptions {
  /** Whose keys sign, where there are any. */
  readonly algorithm: Algorithm
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Active extends SigningKey {
  readonly key: RingKey
}

export class LiveRing implements Ring {
  readonly algorithm: Algorithm
  readonly #now: () => number
  readonly #known = new Map<string, SigningKey>()
  /** Of those that are not retired. */
  readonly #active = new Map<string, Active>()
  readonly #listeners: ((kid: string) => void)[] = []

  constructor({ algorithm, now }: LiveRingOptions) {
    this.algorithm = algorithm
    this.#now = now
  }

  /** All known keys, including retired ones, for a store that lost some. */
  get known(): ReadonlyMap<string, SigningKey> {
    return this.#known
  }

  /** False: another key has this kid here, and stays. */
  learn(heard: SigningKey): boolean {
    const { kid, key } = heard
    const known = this.#known.get(kid)
    if (known?.retiredAt !== undefined) return known.algorithm === heard.algorithm
    if (known !== undefined && !isSame(known, heard)) return false
    if (key !== undefined && known === undefined) this.#active.set(kid, { ...heard, key })
    if (known === undefined || key === undefined) this.#known.set(kid, heard)
    if (key === undefined && this.#active.delete(kid)) for (const listener of this.#listeners) listener(kid)
    return true
  }

  signing(): RingKey {
    const signing = this.#signing()
    if (signing === undefined) throw new PushError('STORE_UNAVAILABLE', 'there is no signing key')
    return signing.key
  }

  /** Whether another one of its algorithm signs so soon, ms, where this one is gone. */
  canGo(kid: string, soonMs: number): boolean {
    const signing = this.#signing()
    if (signing?.kid !== kid) return true
    const soon = this.#now() + soonMs
    return [...this.#active.values()].some(
      (other) => other.kid !== kid && other.algorithm === signing.algorithm && other.signsFrom <= soon,
    )
  }

  /** Whether there is one of our algorithm, which signs now or later. */
  get hasOwn(): boolean {
    return [...this.#active.values()].some(({ algorithm }) => algorithm === this.algorithm)
  }

  find(kid: string): RingKey | undefined {
    return this.#active.get(kid)?.key
  }

  keys(): Iterable<RingKey> {
    return Array.from(this.#active.values(), ({ key }) => key)
  }

  list(): SigningKeyInfo[] {
    return Array.from(this.#known.values(), (known) => this.infoOf(known)).toSorted(byAge)
  }

  infoOf({ kid, algorithm, createdAt, signsFrom, retiredAt }: SigningKey): SigningKeyInfo {
    const told = { kid, algorithm, createdAt, signsFrom }
    if (retiredAt !== undefined) return { ...told, state: 'retired', retiredAt }
    if (this.#signing()?.kid === kid) return { ...told, state: 'signing' }
    return { ...told, state: this.#now() < signsFrom ? 'published' : 'verifying' }
  }

  /** What is new comes by itself. */
  missed(): void {}

  onRetired(listener: (kid: string) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * The newest key of our algorithm that may sign already; otherwise the one that signed until then; otherwise one that
   * was meant to sign later.
   */
  #signing(): Active | undefined {
    const now = this.#now()
    let best: Active | undefined
    for (const each of this.#active.values()) if (best === undefined || this.#isBetter(each, best, now)) best = each
    return best
  }

  #isBetter(one: Active, other: Active, now: number): boolean {
    const [oneSigns, otherSigns] = [one.signsFrom <= now, other.signsFrom <= now]
    if (oneSigns !== otherSigns) return oneSigns
    const [oneIsOurs, otherIsOurs] = [one.algorithm === this.algorithm, other.algorithm === this.algorithm]
    if (oneIsOurs !== otherIsOurs) return oneIsOurs
    if (one.signsFrom !== other.signsFrom) return oneSigns === one.signsFrom > other.signsFrom
    return one.kid > other.kid
  }
}

function isSame(one: SigningKey, other: SigningKey): boolean {
  if (one.algorithm !== other.algorithm) return false
  return one.key === undefined || other.key === undefined || one.key.signingKey.equals(other.key.signingKey)
}

function byAge(one: SigningKeyInfo, other: SigningKeyInfo): number {
  return (one.createdAt ?? 0) - (other.createdAt ?? 0) || (one.kid < other.kid ? -1 : 1)
}
