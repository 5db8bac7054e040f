/** Provider keys: which back end may act for which apps. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ALL_SCOPES, isAppName, isName, type Provider } from '../topics/index.ts'
import { readNamedFile } from '../common/private-files.ts'
import { checkFields, isRecord } from './fields.ts'
import type { RandomBytes } from './keys.ts'
import { looksLikeStoredKey } from './stored-keys.ts'

/**
 * One provider key of the configuration. Two entries with the same name are one provider with two keys, for key
 * rotation.
 */
export interface ProviderKey {
  readonly name: string
  /** 16 to 256 bytes. */
  readonly key: string
  /** Left out: every app. An empty list, or undefined, is refused: it is more likely a mistake than meant as that. */
  readonly apps?: readonly string[]
  /**
   * The name of a user: who connects over MQTT with it, and with that user's password, is this provider too. A program that
   * can have no other username than its own, such as a bridge of Mosquitto, can so publish to push topics.
   */
  readonly user?: string
}

interface Entry {
  readonly digest: Buffer
  readonly user: string | undefined
  readonly provider: Provider
}

/** With which a provider shows its key. */
const USERNAME = 'provider'
const MIN_KEY_BYTES = 16
const MAX_KEY_BYTES = 256
const GENERATED_BYTES = 32
const DIGEST_BYTES = 32
/** Creating keys for every app requires a key for every app. */
const ALL_BUT_KEYS = new Set([...ALL_SCOPES].filter((scope) => scope !== 'keys:admin'))

/** A key that nobody can guess, fit for a header, an environment variable and an MQTT password. */
export function generateProviderKey(random: RandomBytes = randomBytes): string {
  return random(GENERATED_BYTES).toString('base64url')
}

/** The providers of a configuration. */
export interface Providers {
  /**
   * Finds the provider of a key. It compares digests of equal length with every entry, so that timing reveals nothing
   * about the keys.
   */
  ofKey(key: string | Uint8Array): Provider | undefined
  /** By the SHA-256 of a key, compared in the same way. */
  ofDigest(digest: Uint8Array): Provider | undefined
  /** With several keys, it may act for the apps of each. */
  named(name: string): Provider | undefined
  /** That which names this user. */
  ofUser(user: string): Provider | undefined
}

/** @throws Error that names the entry, and never holds a key */
export function createProviders(providers: readonly ProviderKey[]): Providers {
  const entries = parseProviders(providers, 'providers').map(makeEntry)
  if (new Set(entries.map(({ digest }) => digest.toString('hex'))).size !== entries.length) {
    throw new Error('providers: two entries have the same key; give each provider its own')
  }
  const users = entries.map(({ user }) => user).filter((user) => user !== undefined)
  if (new Set(users).size !== users.length)
    throw new Error('providers: two entries have the same user; a user can be one provider')
  function ofDigest(digest: Uint8Array): Provider | undefined {
    let found: Provider | undefined
    for (const entry of entries) {
      if (timingSafeEqual(entry.digest, digest)) found = entry.provider
    }
    return found
  }

  return {
    ofUser: (user) => entries.find((entry) => entry.user === user)?.provider,
    ofKey(key) {
      const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key
      if (bytes.length < MIN_KEY_BYTES || bytes.length > MAX_KEY_BYTES) return undefined
      return ofDigest(sha256(bytes))
    },
    ofDigest: (digest) => (digest.length === DIGEST_BYTES ? ofDigest(digest) : undefined),
    named(name) {
      const [first, ...others] = entries.map(({ provider }) => provider).filter((each) => each.name === name)
      return first === undefined ? undefined : others.reduce(both, first)
    },
  }
}

function both(one: Provider, other: Provider): Provider {
  if (one.apps === 'all' || other.apps === 'all') return { ...one, apps: 'all' }
  return { ...one, apps: new Set([...one.apps, ...other.apps]) }
}

/**
 * A providers file is JSON: `[{"name", "key", "apps"?: [...], "user"?}]`, and nothing else in it.
 * @throws Error that names the file and the field, and never holds a key
 */
export async function loadProvidersFromFile(path: string): Promise<ProviderKey[]> {
  const text = await readNamedFile(path)
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // The message of JSON.parse quotes the text, which holds keys.
    throw new Error(`${path}: not JSON`)
  }
  return parseProviders(content, path)
}

/** Whatever an embedding program or a file gives: types do not hold there. */
function parseProviders(content: unknown, source: string): ProviderKey[] {
  if (!Array.isArray(content))
    throw new Error(`${source} must be a list of {"name": text, "key": text, "apps": [text], "user": text}`)
  return content.map((entry: unknown, index) => parseProvider(entry, `${source}[${index}]`))
}

function parseProvider(entry: unknown, where: string): ProviderKey {
  if (!isRecord(entry)) throw new Error(`${where} must be an object with name, key, apps and user`)
  checkFields(entry, ['name', 'key', 'apps', 'user'], where)
  const { name, key, apps } = entry
  if (typeof name !== 'string' || !isName(name))
    throw new Error(`${where}.name must be 1 to 128 bytes without control characters or / + #`)
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : 0
  if (typeof key !== 'string' || bytes < MIN_KEY_BYTES || bytes > MAX_KEY_BYTES)
    throw new Error(`${where}.key (${name}) must be ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes`)
  if (looksLikeStoredKey(key))
    throw new Error(
      `${where}.key (${name}) looks like a key of the store and would be looked up there; choose another one`,
    )
  const named = { name, key, ...userOf(entry, `${where}.user (${name})`) }
  if (!Object.hasOwn(entry, 'apps')) return named
  if (!Array.isArray(apps) || apps.length === 0 || !apps.every(isApp))
    throw new Error(`${where}.apps (${name}) must be a list of names of apps; leave it out for every app`)
  return { ...named, apps }
}

function userOf(entry: Record<string, unknown>, where: string): { readonly user?: string } {
  if (!Object.hasOwn(entry, 'user')) return {}
  const { user } = entry
  if (typeof user !== 'string' || user === '' || user === USERNAME)
    throw new Error(
      `${where} must be the name of a user of the password file, and not ${USERNAME}; leave it out for none`,
    )
  return { user }
}

function isApp(app: unknown): app is string {
  return typeof app === 'string' && isAppName(app)
}

function makeEntry({ name, key, apps, user }: ProviderKey): Entry {
  const provider: Provider = {
    kind: 'provider',
    name,
    apps: apps === undefined ? 'all' : new Set(apps),
    scopes: apps === undefined ? ALL_SCOPES : ALL_BUT_KEYS,
  }
  return { user, digest: sha256(Buffer.from(key, 'utf8')), provider: Object.freeze(provider) }
}

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer')
}
