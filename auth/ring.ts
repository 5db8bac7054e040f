/** The keys of message tokens: one signs, all verify, each with its own algorithm only. */
import type { Algorithm, RingKey } from './keys.ts'

/** `published`: it is shown and verifies, and signs later. `verifying`: another one signs now. `retired`: it is gone. */
export type SigningKeyState = 'published' | 'signing' | 'verifying' | 'retired'

/** What may be told of a key. */
export interface SigningKeyInfo {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly state: SigningKeyState
  /** Milliseconds since the epoch, as the next two; absent: it is of a file, which says nothing of it. */
  readonly createdAt?: number
  /** Not before. */
  readonly signsFrom?: number
  readonly retiredAt?: number
}

export interface Ring {
  /** The one that signs now. @throws STORE_UNAVAILABLE if there is none */
  signing(): RingKey
  /** Undefined if there is none, or none any more. */
  find(kid: string): RingKey | undefined
  /** All that verify. */
  keys(): Iterable<RingKey>
  list(): SigningKeyInfo[]
  /** Somebody asked for a kid that no key has: one may have been added since. */
  missed(): void
  /** Called when a key is retired. */
  onRetired(listener: (kid: string) => void): void
}

interface FixedRingOptions {
  /** The first one signs. */
  readonly keys: readonly [RingKey, ...RingKey[]]
  /** Looks for keys that were added since. */
  readonly reload: () => Promise<readonly RingKey[]>
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** Milliseconds between two looks for new keys. */
const RELOAD_INTERVAL = 5_000

/** Keys of a place that nobody follows: they only become more, and the one that signs is always the same. */
export function fixedRing({ keys: [signing, ...others], reload, monotonic }: FixedRingOptions): Ring {
  const keys = new Map([signing, ...others].map((key) => [key.kid, key]))
  let reloadAfter = Number.NEGATIVE_INFINITY
  const learn = (learned: readonly RingKey[]) => {
    for (const key of learned) if (!keys.has(key.kid)) keys.set(key.kid, key)
  }
  return {
    signing: () => signing,
    find: (kid) => keys.get(kid),
    keys: () => keys.values(),
    list: () =>
      Array.from(keys.values(), (key) => ({
        kid: key.kid,
        algorithm: key.algorithm,
        state: key === signing ? 'signing' : 'verifying',
      })),
    // It is of use to the tokens that come next: whoever sends nonsense shall neither wait nor make us read more than
    // now and then.
    missed() {
      if (monotonic() < reloadAfter) return
      reloadAfter = monotonic() + RELOAD_INTERVAL
      // When it fails, the next one after the interval tries again; every known key works on.
      reload()
        .then(learn)
        .catch(() => undefined)
    },
    onRetired: () => undefined,
  }
}
