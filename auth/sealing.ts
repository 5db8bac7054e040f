/**
 * Self-contained capabilities, so that nothing is stored for them: encrypted with a key that all nodes share and that
 * never changes. The holder of one can neither read nor change it.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { RandomBytes } from './keys.ts'

export interface Sealing {
  /** Base64url. One that was sealed for a purpose opens for no other one. */
  seal(purpose: SealPurpose, content: Uint8Array): string
  /** Undefined: it was not sealed here, or for something else. */
  unseal(purpose: SealPurpose, sealed: string): Buffer | undefined
}

/** Random bytes before the content, so that the same is sealed otherwise each time; without, it is always the same text. */
const PURPOSES = { 'stream ticket': 12, 'push endpoint': 0, 'push message': 0, 'push topic': 0 } as const
export type SealPurpose = keyof typeof PURPOSES

const CIPHER = 'aes-256-ctr'
const KEY_BYTES = 32
const TAG_BYTES = 16
const BASE64URL = /^[A-Za-z0-9_-]+$/

interface Keys {
  readonly encryption: Buffer
  readonly authentication: Buffer
}

/**
 * The tag is made of what is sealed, and the encryption begins from it, as in SIV (RFC 5297): there is no nonce that must not
 * come twice, however much is sealed.
 * @param secret from which the keys of each purpose are derived (RFC 5869)
 */
export function createSealing(secret: Uint8Array, random: RandomBytes): Sealing {
  const derived = new Map<SealPurpose, Keys>()

  function keysOf(purpose: SealPurpose): Keys {
    const known = derived.get(purpose)
    if (known !== undefined) return known
    const bytes = Buffer.from(hkdfSync('sha256', secret, '', `aedes-push ${purpose}`, 2 * KEY_BYTES))
    const keys = { encryption: bytes.subarray(0, KEY_BYTES), authentication: bytes.subarray(KEY_BYTES) }
    derived.set(purpose, keys)
    return keys
  }

  return {
    seal(purpose, content) {
      const keys = keysOf(purpose)
      const text = Buffer.concat([random(PURPOSES[purpose]), content])
      const tag = tagOf(keys, text)
      const cipher = createCipheriv(CIPHER, keys.encryption, tag)
      return Buffer.concat([tag, cipher.update(text), cipher.final()]).toString('base64url')
    },
    unseal(purpose, sealed) {
      const bytes = BASE64URL.test(sealed) ? Buffer.from(sealed, 'base64url') : Buffer.alloc(0)
      // One spelling each: bits that base64url leaves unused could differ.
      if (bytes.length < TAG_BYTES + PURPOSES[purpose] || bytes.toString('base64url') !== sealed) return undefined
      const keys = keysOf(purpose)
      const tag = bytes.subarray(0, TAG_BYTES)
      const decipher = createDecipheriv(CIPHER, keys.encryption, tag)
      const text = Buffer.concat([decipher.update(bytes.subarray(TAG_BYTES)), decipher.final()])
      return timingSafeEqual(tag, tagOf(keys, text)) ? text.subarray(PURPOSES[purpose]) : undefined
    },
  }
}

function tagOf({ authentication }: Keys, text: Uint8Array): Buffer {
  return createHmac('sha256', authentication).update(text).digest().subarray(0, TAG_BYTES)
}
