/** Provider keys that are kept in the store: `push_<id>_<secret>`, and who has shown one. */
import { hash, timingSafeEqual } from 'node:crypto'
import { PushError } from '../errors.ts'
import type { Provider, Quotas, Scope } from '../topics/index.ts'
import type { RandomBytes } from './keys.ts'
import type { StoredKey } from './stored-key-row.ts'

/** The keys of the store as this process knows them. */
export interface StoredKeys {
  find(id: string): StoredKey | undefined
  /** Which names this user; of several, the oldest one. */
  ofUser(user: string): StoredKey | undefined
  /** False: who goes by them might go by what was changed long ago. */
  readonly isFresh: boolean
  /** Has what was written before the call. @throws STORE_UNAVAILABLE (rejects) */
  refresh(): Promise<void>
}

export const NO_STORED_KEYS: StoredKeys = {
  find: () => undefined,
  ofUser: () => undefined,
  isFresh: true,
  refresh: () => Promise.resolve(),
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 12
const DIGEST_BYTES = 32
/** 190 bits. */
const SECRET_LENGTH = 32
/** Larger bytes would make some letters likelier than others. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length)
const KEY = new RegExp(`^push_([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}$`)
/** Also matches a key that was truncated or extended. */
const LIKE_KEY = new RegExp(`^push_[0-9A-Za-z]{${ID_LENGTH}}_`)
const LIKE_KEY_LENGTH = 'push_'.length + ID_LENGTH + 1
const KEY_LENGTH = LIKE_KEY_LENGTH + SECRET_LENGTH

export interface MadeKey {
  readonly id: string
  /** All of it: nobody can tell it again. */
  readonly key: string
  readonly digest: Uint8Array
}

/** Another secret for `id`, or a new key. */
export function makeStoredKey(random: RandomBytes, id = letters(ID_LENGTH, random)): MadeKey {
  const key = `push_${id}_${letters(SECRET_LENGTH, random)}`
  return { id, key, digest: digestOf(key) }
}

function letters(length: number, random: RandomBytes): string {
  let text = ''
  while (text.length < length) {
    const fair = [...random(length - text.length)].filter((byte) => byte < FAIR_BYTES)
    text += fair.map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('')
  }
  return text
}

/** Whether it is meant as such a key, so that it is not tried as anything else. It says nothing about whether it is one. */
export function looksLikeStoredKey(text: string | Uint8Array): boolean {
  return LIKE_KEY.test(typeof text === 'string' ? text : latin1(text.subarray(0, LIKE_KEY_LENGTH)))
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function digestOf(key: string): Buffer {
  return hash('sha256', Buffer.from(key, 'latin1'), 'buffer')
}

/** A provider by a key of the store. It knows what was shown, so that it ends with that. */
class KeyHolder implements Provider {
  readonly kind = 'provider'
  readonly name: string
  readonly apps: Provider['apps']
  readonly scopes: ReadonlySet<Scope>
  readonly keyId: string
  readonly endsAt: number
  readonly quotas?: Quotas
  readonly #key: StoredKey
  readonly #digest: Uint8Array

  constructor(key: StoredKey, digest: Uint8Array, endsAt: number) {
    this.name = key.name
    this.apps = key.apps
    this.scopes = key.scopes
    this.keyId = key.id
    if (key.quotas !== undefined) this.quotas = key.quotas
    this.#key = key
    this.#digest = digest
    this.endsAt = endsAt
  }

  /** Undefined: the presented key is no longer valid. Checked for each message. */
  as(key: StoredKey, now: number): KeyHolder | undefined {
    if (key !== this.#key) return holderOf(key, this.#digest, now)
    return now < this.endsAt ? this : undefined
  }
}

function holderOf(key: StoredKey, shown: Uint8Array, now: number): KeyHolder | undefined {
  const { digest, previous, expiresAt } = key
  const isCurrent = timingSafeEqual(digest, shown)
  const isPrevious = previous !== undefined && timingSafeEqual(previous.digest, shown)
  const until = isCurrent ? expiresAt : isPrevious ? Math.min(previous.until, expiresAt) : 0
  return now < until ? new KeyHolder(key, shown, until) : undefined
}

export interface KeyProviders {
  /** Undefined if it is none. @throws STORE_UNAVAILABLE */
  ofKey(key: string | Uint8Array): Provider | undefined
  /** By the id and the SHA-256 of a key that was shown. @throws STORE_UNAVAILABLE */
  ofDigest(id: string, digest: Uint8Array): Provider | undefined
  /** As its key is now; undefined if that is refused. One of the configuration stays as it is. @throws STORE_UNAVAILABLE */
  current(provider: Provider): Provider | undefined
  /** Whatever was shown of it. @throws STORE_UNAVAILABLE */
  withId(id: string): Provider | undefined
  /** That names this user. @throws STORE_UNAVAILABLE */
  ofUser(user: string): Provider | undefined
}

export function createKeyProviders(keys: StoredKeys, now: () => number): KeyProviders {
  function fresh(): StoredKeys {
    if (!keys.isFresh)
      throw new PushError('STORE_UNAVAILABLE', 'the server cannot tell whether the provider key is still valid')
    return keys
  }

  const find = (id: string): StoredKey | undefined => fresh().find(id)

  return {
    ofKey(given) {
      if (given.length !== KEY_LENGTH) return undefined
      const text = typeof given === 'string' ? given : latin1(given)
      const [, id] = KEY.exec(text) ?? []
      const key = id === undefined ? undefined : find(id)
      return key && holderOf(key, digestOf(text), now())
    },
    ofDigest(id, digest) {
      const key = digest.length === DIGEST_BYTES ? find(id) : undefined
      return key && holderOf(key, digest, now())
    },
    current(provider) {
      if (!(provider instanceof KeyHolder)) return provider
      const key = find(provider.keyId)
      return key && provider.as(key, now())
    },
    ofUser(user) {
      const key = fresh().ofUser(user)
      return key && holderOf(key, key.digest, now())
    },
    withId(id) {
      const key = find(id)
      return key && holderOf(key, key.digest, now())
    },
  }
}
