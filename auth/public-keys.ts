/** What others may verify message tokens with. */
import { createPublicKey } from 'node:crypto'
import type { PublicKey } from './contract.ts'
import type { RingKey } from './keys.ts'
import type { Ring } from './ring.ts'

/** A secret is nothing to show, and what verifies with one would sign with it too. */
export function publicKeysOf(ring: Ring): { readonly keys: PublicKey[] } {
  return { keys: [...ring.keys()].filter(({ algorithm }) => algorithm !== 'HS256').map(publicKeyOf) }
}

function publicKeyOf({ kid, algorithm, verifyingKey }: RingKey): PublicKey {
  return { ...createPublicKey(verifyingKey).export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
}
