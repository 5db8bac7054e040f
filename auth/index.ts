/** Tokens and keys in, principals out. The only user of fast-jwt. */
import { randomBytes } from 'node:crypto'
import { pino, type Logger } from 'pino'
import type { Auth } from './contract.ts'
import { openIssuers } from './issuers/issuers.ts'
import { isJwt } from './jwt.ts'
import { loadKeysFromFile, secretKeys, tokenIdKey, type Algorithm, type RandomBytes } from './keys.ts'
import { createProviders, type ProviderKey } from './providers.ts'
import { createPublicKeys } from './public-keys.ts'
import { fixedRing, type Ring } from './ring.ts'
import { createSealing } from './sealing.ts'
import type { Secrets } from './secrets.ts'
import { createKeyProviders, looksLikeStoredKey, NO_STORED_KEYS, type StoredKeys } from './stored-keys.ts'
import { createTokens } from './tokens.ts'
import { createVapid } from './vapid.ts'

export type { Auth, Grant, Identity, IssuedToken, ShownKey } from './contract.ts'
export { isVapid, parseVapidKey } from './vapid.ts'
export {
  ALGORITHMS,
  createKeyFile,
  existingKey,
  loadKeysFromFile,
  makeKeyAside,
  secretKeys,
  TOKEN_SECRETS,
  type Algorithm,
  type KeyFile,
  type RandomBytes,
} from './keys.ts'
export { LiveRing, type SigningKey } from './live-ring.ts'
export type { SigningKeyInfo, SigningKeyState } from './ring.ts'
export { decodeSigningKey, encodeSigningKey } from './signing-key-row.ts'
export { checkIssuersFile } from './issuers/issuers.ts'
export { checkFields } from './fields.ts'
export { generateProviderKey, loadProvidersFromFile, createProviders, type ProviderKey } from './providers.ts'
export type { Sealing, SealPurpose } from './sealing.ts'
export { decodeStoredKey, encodeStoredKey, type PreviousKey, type StoredKey } from './stored-key-row.ts'
export { looksLikeStoredKey, makeStoredKey, type StoredKeys } from './stored-keys.ts'
export { fileSecrets, firstFrom, knownSecret, type FileSecretsOptions, type Secrets } from './secrets.ts'

export interface AuthOptions {
  /** Where generated keys are kept: the store, or `fileSecrets`. */
  readonly secrets: Secrets
  /** Algorithm of the generated key that signs; default HS256. Of no account with `keysFile`, where each key has its own. */
  readonly algorithm?: Algorithm | undefined
  /** Take the keys from this file, and none from `secrets` (but the token id key, when the file has none). */
  readonly keysFile?: string | undefined
  /** The keys where they may change; default: those of the file, or of the secrets. */
  readonly ring?: Ring | undefined
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
  /** Of identity providers; default: there are none. */
  readonly issuersFile?: string | undefined
  /** Hears of identity providers. */
  readonly logger?: Pick<Logger, 'info' | 'warn' | 'error'> | undefined
  readonly providers: readonly ProviderKey[]
  /** Default: none. */
  readonly storedKeys?: StoredKeys | undefined
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic?: (() => number) | undefined
  readonly random?: RandomBytes | undefined
}

const NAME = 'aedes-push'

/**
 * Makes or loads the keys.
 * @throws Error that names the setting or file that is wrong, and never holds a key
 */
export async function openAuth(options: AuthOptions): Promise<Auth> {
  const { secrets, keysFile, algorithm = 'HS256', issuer = NAME, audience = NAME } = options
  const { now = Date.now, monotonic = () => performance.now(), random = randomBytes } = options
  if (issuer === '' || audience === '') throw new Error('the issuer and the audience of tokens must not be empty')
  const providers = createProviders(options.providers)
  const storedKeys = options.storedKeys ?? NO_STORED_KEYS
  const keys = createKeyProviders(storedKeys, now)
  const file = keysFile === undefined ? undefined : await loadKeysFromFile(keysFile)
  const idKey = file?.tokenIdKey ?? (await tokenIdKey(secrets, random))
  const keysOf = async () =>
    keysFile === undefined ? secretKeys(secrets, algorithm, random) : (await loadKeysFromFile(keysFile)).keys
  const ring = options.ring ?? fixedRing({ keys: file?.keys ?? (await keysOf()), reload: keysOf, monotonic })
  const tokens = createTokens({ ring, tokenIdKey: idKey, issuer, audience, now, random })
  const { logger = pino({ level: 'silent' }) } = options
  const issuers = await openIssuers({ file: options.issuersFile, ownIssuer: issuer, now, monotonic, logger })
  return {
    ...tokens,
    ...issuers,
    ...createSealing(idKey, random),
    checkVapid: createVapid(now),
    publicKeys: createPublicKeys(ring),
    signingKeys: () => ring.list(),
    onKeyRetired: (listener) => ring.onRetired(listener),
    provider: (key) => (looksLikeStoredKey(key) ? keys.ofKey(key) : providers.ofKey(key)),
    async newProvider(key) {
      if (!looksLikeStoredKey(key)) return undefined
      await storedKeys.refresh()
      return keys.ofKey(key)
    },
    providerShown: ({ digest, keyId }) =>
      keyId === undefined ? providers.ofDigest(digest) : keys.ofDigest(keyId, digest),
    providerNamed: providers.named,
    providerOfUser: (user) => providers.ofUser(user) ?? keys.ofUser(user),
    providerNow: keys.current,
    providerWithKey: keys.withId,
  }
}

/**
 * Whether a password is meant as a message token, so that a bad one is refused as such and is not tried as the
 * password of somebody else. It says nothing about whether the token holds.
 */
export function looksLikeToken(password: Uint8Array | string): boolean {
  if (typeof password === 'string') return isJwt(password)
  const isObject = password[0] === 0x65 && password[1] === 0x79 && password[2] === 0x4a
  return isObject && isJwt(Buffer.from(password.buffer, password.byteOffset, password.byteLength).toString('latin1'))
}
