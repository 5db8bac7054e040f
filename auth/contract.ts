/** The interface of auth: tokens and keys in, principals out. */
import type { JsonWebKey } from 'node:crypto'
import type { Device, Epochs, Provider, Triple } from '../topics/index.ts'
import type { SigningKeyInfo } from './ring.ts'
import type { Sealing } from './sealing.ts'
import type { CheckVapid } from './vapid.ts'

export interface Grant extends Triple {
  readonly version?: string | undefined
  /** Seconds from now until the JWT expires. */
  readonly ttl: number
  /** From the token registry. */
  readonly generation: number
  /** Milliseconds since the epoch. Absent: its device cannot renew it. */
  readonly renewUntil?: number | undefined
  /** Current epochs of the app and the account. Default: none. */
  readonly epochs?: Epochs | undefined
}

export interface IssuedToken {
  /** The JWT. */
  readonly token: string
  readonly tokenId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A JWK (RFC 7517 section 4). */
export interface PublicKey extends JsonWebKey {
  readonly kid: string
  readonly alg: string
  readonly use: 'sig'
}

/** An identity, from the JWT of an identity provider. */
export interface Identity {
  readonly kind: 'identity'
  /** Its `iss`. */
  readonly issuer: string
  /** The account with the prefix of its issuer; never empty. */
  readonly account: string
  /** The apps it is valid for: those of its issuer, reduced to the one in the token if the issuer names apps. */
  readonly apps: ReadonlySet<string>
  /** Absent: the issuer gives no tags. */
  readonly tags?: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A provider key, of which only the hash is kept. */
export interface ShownKey {
  readonly digest: Uint8Array
  /** Absent: a key of the configuration. */
  readonly keyId?: string | undefined
}

export interface Auth extends Sealing {
  /** The token id of a triple, under this installation's key. */
  tokenIdOf(triple: Triple): string
  /** An opaque name of an account of an app, see `accountMark` of `topics/`. */
  accountMarkOf(app: string, account: string): string
  issue(grant: Grant): IssuedToken
  /**
   * Signature by the key that `kid` names and with that key's algorithm only, `iss`, `aud`, `exp`, and every claim's shape;
   * `sub` must be the token id of the claimed triple. Revocation is the registry's: compare `generation`.
   * @throws TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID
   */
  verify(token: string): Device
  /** For a token verified earlier: false if the key that signed it was retired since. */
  holds(device: Pick<Device, 'kid'>): boolean
  /** Public keys of message tokens, as a JWK Set (RFC 7517): of asymmetric algorithms only. */
  publicKeys(): { readonly keys: readonly PublicKey[] }
  /** Of message tokens, the oldest one first; nothing secret of them. */
  signingKeys(): SigningKeyInfo[]
  /** Calls the listener when a key is retired. */
  onKeyRetired(listener: (kid: string) => void): void
  /**
   * Signature by a key of the issuer that `iss` names, and with an algorithm of it; then `aud`, `exp`, and the shape of the
   * claims that count. May wait for an issuer whose keys are asked for.
   * @throws TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID, ISSUER_UNAVAILABLE (rejects)
   */
  identity(jwt: string): Promise<Identity>
  /** The claimed kind of a JWT, unverified: a message token, or one of a known identity provider. */
  issuerOf(jwt: string): 'own' | 'known' | undefined
  /**
   * The provider of a key, compared in constant time; undefined if no provider has it.
   * @throws STORE_UNAVAILABLE when it is one of the store, and whether it holds is not known
   */
  provider(key: string | Uint8Array): Provider | undefined
  /**
   * The same, if `provider` finds nobody: another process may have created the key a moment ago. @throws as it
   * (rejects)
   */
  newProvider(key: string | Uint8Array): Promise<Provider | undefined>
  /**
   * The provider of a key that was shown before, by its SHA-256; undefined if that key holds no more. `keyId`: of a key of
   * the store. @throws STORE_UNAVAILABLE
   */
  providerShown(shown: ShownKey): Provider | undefined
  /**
   * As its key is now; undefined if that holds no more: it was removed, has expired, or was replaced. One of the
   * configuration stays as it is.
   * @throws STORE_UNAVAILABLE
   */
  providerNow(provider: Provider): Provider | undefined
  /** By the id of a key of the store. @throws STORE_UNAVAILABLE */
  providerWithKey(id: string): Provider | undefined
  /** The provider of a name: with several keys, it may act for the apps of each of them. Undefined if there is none. */
  providerNamed(name: string): Provider | undefined
  /** The application server that sends through a Web Push endpoint. */
  readonly checkVapid: CheckVapid
  /**
   * The provider that names this user, one of the configuration before one of the store. Whether the user is who it says is for
   * who asks to know.
   * @throws STORE_UNAVAILABLE
   */
  providerOfUser(user: string): Provider | undefined
  /** Reloads the file of identity providers; a file that cannot be used changes nothing. Never rejects. */
  reload(): Promise<void>
  /** Stops fetching and watching. */
  close(): void
}
