/** Public keys of an identity provider: a JWK Set (RFC 7517), or PEM. Only what can verify, and says so, is used. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { isRecord } from '../fields.ts'
import { ASYMMETRIC_ALGORITHMS, fits, type AsymmetricAlgorithm } from '../key-types.ts'

export interface IssuerKey {
  /** Absent: it may be any that a token names. */
  readonly kid: string | undefined
  /** The one that it is for; absent: all that fit its type. */
  readonly algorithm: string | undefined
  readonly key: KeyObject
  readonly verifiers: Map<AsymmetricAlgorithm, (token: string) => unknown>
}

/** Far more than anybody has; a token without kid could have each of them tried. */
const MOST_KEYS = 64
/** Such keys are all tried on each token. */
const MOST_WITHOUT_KID = 4
const MAX_KID = 512
/** Members of a JWK that are private or secret (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g

/**
 * Keys that cannot be used are passed over: sets hold keys for encryption, and of algorithms that are unknown here.
 * @throws Error that holds nothing of the set
 */
export function parseKeySet(text: string): IssuerKey[] {
  let set: unknown
  try {
    set = JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
  const keys: unknown = isRecord(set) ? set['keys'] : undefined
  if (!Array.isArray(keys)) throw new Error('it is not a JWK Set, an object with a list of keys')
  if (keys.length > MOST_KEYS) throw new Error(`it holds more than ${MOST_KEYS} keys`)
  return checkCount(keys.map(parseJwk).filter((key) => key !== undefined))
}

function parseJwk(jwk: unknown): IssuerKey | undefined {
  if (!isRecord(jwk)) return undefined
  const { kty, kid, use, alg, key_ops: operations } = jwk
  // A private key that everybody can read is not secret, so it is ignored.
  if (typeof kty !== 'string' || PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return undefined
  if (use !== undefined && use !== 'sig') return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return undefined
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID)) return undefined
  if (alg !== undefined && typeof alg !== 'string') return undefined
  try {
    return issuerKey(createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), kid, alg)
  } catch {
    // Of a type or curve that OpenSSL does not know, or broken.
    return undefined
  }
}

/** A key that fits no algorithm is ignored. */
function issuerKey(key: KeyObject, kid?: string, algorithm?: string): IssuerKey | undefined {
  if (!ASYMMETRIC_ALGORITHMS.some((each) => fits(key, each))) return undefined
  return { kid, algorithm, key, verifiers: new Map() }
}

/**
 * A key file: a JWK Set, or public keys as PEM.
 * @throws Error that holds nothing of the file
 */
export function parseKeysFile(text: string): IssuerKey[] {
  const keys = text.includes('-----BEGIN') ? parsePem(text) : parseKeySet(text)
  if (keys.length === 0) throw new Error('it holds no public key that can verify a signature')
  return keys
}

function parsePem(text: string): IssuerKey[] {
  const blocks = [...text.matchAll(PEM_BLOCK)]
  return checkCount(
    blocks.map(([block, label]) => {
      // OpenSSL would make the public one of a private key, which has no place here.
      if (label !== 'PUBLIC KEY' && label !== 'RSA PUBLIC KEY')
        throw new Error(`it holds a ${label ?? ''}; give public keys only`)
      const key = publicKeyOf(block)
      if (key === undefined) throw new Error('it holds a public key that cannot verify a token')
      return key
    }),
  )
}

function publicKeyOf(pem: string): IssuerKey | undefined {
  try {
    return issuerKey(createPublicKey(pem))
  } catch {
    return undefined
  }
}

function checkCount(keys: IssuerKey[]): IssuerKey[] {
  if (keys.filter(({ kid }) => kid === undefined).length > MOST_WITHOUT_KID)
    throw new Error(`it holds more than ${MOST_WITHOUT_KID} keys without kid`)
  return keys
}

/**
 * Those that can have made a signature. A kid that no key has is unknown, unless there are keys without one; a token
 * without kid is of the only key that fits.
 */
export function keysFor(keys: readonly IssuerKey[], alg: AsymmetricAlgorithm, kid: string | undefined): IssuerKey[] {
  const fitting = keys.filter(({ algorithm, key }) => (algorithm ?? alg) === alg && fits(key, alg))
  if (kid === undefined) return fitting.length === 1 ? fitting : []
  const named = fitting.filter((key) => key.kid === kid)
  return named.length > 0 ? named : fitting.filter((key) => key.kid === undefined)
}

/**
 * Time is left to the caller, as the clock of fast-jwt is taken once; so are `iss` and `aud`, which it lets be absent.
 * @returns what throws a TokenError for any other signature
 */
export function verifierOf({ key, verifiers }: IssuerKey, algorithm: AsymmetricAlgorithm): (token: string) => unknown {
  const known = verifiers.get(algorithm)
  if (known !== undefined) return known
  const verify = createVerifier({
    key: key.export({ type: 'spki', format: 'pem' }).toString(),
    algorithms: [algorithm],
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  verifiers.set(algorithm, verify)
  return verify
}
