/** What others may verify message tokens with. */
import { createPublicKey } from 'node:crypto'
import type { PublicKey } from './contract.ts'
import type { RingKey } from './keys.ts'
import type { Ring } from './ring.ts'

/** A secret is nothing to show, and what verifies with one would sign with it too. Anybody may ask: each is made once. */
export function createPublicKeys(ring: Ring): () => { readonly keys: PublicKey[] } {
  const made = new WeakMap<RingKey, PublicKey>()
  function of(key: RingKey): PublicKey {
    const known = made.get(key) ?? publicKeyOf(key)
    made.set(key, known)
    return known
  }
  return () => ({ keys: [...ring.keys()].filter(({ algorithm }) => algorithm !== 'HS256').map(of) })
}

function publicKeyOf({ kid, algorithm, verifyingKey }: RingKey): PublicKey {
  return { ...createPublicKey(verifyingKey).export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
}
