/**
 * Capabilities that hold what they allow, so that nothing is stored for them: sealed under a key that all nodes share, and
 * that never changes. Whoever has one can neither read nor change it.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { RandomBytes } from './keys.ts'

export interface Sealing {
  /** Base64url. One that was sealed for a purpose opens for no other one. */
  seal(purpose: SealPurpose, content: Uint8Array): string
  /** Undefined: it was not sealed here, or for something else. */
  unseal(purpose: SealPurpose, sealed: string): Buffer | undefined
}

export type SealPurpose = 'stream ticket' | 'push endpoint'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D section 8.2.2: random ones are good for 2^32 seals under one key. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const BASE64URL = /^[A-Za-z0-9_-]+$/

/** @param secret from which the key of each purpose is derived (RFC 5869) */
export function createSealing(secret: Uint8Array, random: RandomBytes): Sealing {
  const keys = new Map<SealPurpose, Buffer>()

  function keyOf(purpose: SealPurpose): Buffer {
    const known = keys.get(purpose)
    if (known !== undefined) return known
    const key = Buffer.from(hkdfSync('sha256', secret, '', `aedes-push ${purpose}`, KEY_BYTES))
    keys.set(purpose, key)
    return key
  }

  return {
    seal(purpose, content) {
      const nonce = random(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, keyOf(purpose), nonce, { authTagLength: TAG_BYTES })
      const parts = [nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat(parts).toString('base64url')
    },
    unseal(purpose, sealed) {
      const bytes = BASE64URL.test(sealed) ? Buffer.from(sealed, 'base64url') : Buffer.alloc(0)
      // One spelling each: bits that base64url leaves unused could differ.
      if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const decipher = createDecipheriv(CIPHER, keyOf(purpose), nonce, { authTagLength: TAG_BYTES })
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}
