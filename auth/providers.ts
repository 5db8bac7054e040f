/** Provider keys: which back end may act for which apps. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { isAppName, isName, type Provider } from '../topics/index.ts'
import type { RandomBytes } from './keys.ts'

/** One provider key of the configuration. A provider with two entries has two keys, as it needs while it changes them. */
export interface ProviderKey {
  readonly name: string
  /** 16 to 256 bytes. */
  readonly key: string
  /** Absent: every app. */
  readonly apps?: readonly string[] | undefined
}

interface Entry {
  readonly digest: Buffer
  readonly provider: Provider
}

const MIN_KEY_BYTES = 16
const MAX_KEY_BYTES = 256
const GENERATED_BYTES = 32

/** A key that nobody can guess, fit for a header, an environment variable and an MQTT password. */
export function generateProviderKey(random: RandomBytes = randomBytes): string {
  return random(GENERATED_BYTES).toString('base64url')
}

/**
 * How to find the provider of a key. Every entry is compared, and what is compared are digests of one length, so
 * that the time tells nothing about the keys.
 * @throws Error that names the entry, and never holds a key
 */
export function providerLookup(providers: readonly ProviderKey[]): (key: string | Uint8Array) => Provider | undefined {
  const entries = providers.map(makeEntry)
  if (new Set(entries.map(({ digest }) => digest.toString('hex'))).size !== entries.length) {
    throw new Error('providers: two entries have the same key; give each provider its own')
  }
  return (key) => {
    const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key
    if (bytes.length < MIN_KEY_BYTES || bytes.length > MAX_KEY_BYTES) return undefined
    const digest = sha256(bytes)
    let found: Provider | undefined
    for (const entry of entries) {
      if (timingSafeEqual(entry.digest, digest)) found = entry.provider
    }
    return found
  }
}

function makeEntry({ name, key, apps }: ProviderKey, index: number): Entry {
  if (!isName(name))
    throw new Error(`providers[${index}].name must be 1 to 128 bytes without control characters or / + #`)
  const bytes = Buffer.from(key, 'utf8')
  if (bytes.length < MIN_KEY_BYTES || bytes.length > MAX_KEY_BYTES) {
    throw new Error(`providers[${index}].key (${name}) must be ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes`)
  }
  if (apps !== undefined && (apps.length === 0 || !apps.every(isAppName))) {
    throw new Error(`providers[${index}].apps (${name}) must be a list of names of apps, or absent for every app`)
  }
  const provider = { kind: 'provider', name, apps: apps === undefined ? 'all' : new Set(apps) } as const
  return { digest: sha256(bytes), provider: Object.freeze(provider) }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
