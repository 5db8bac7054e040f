/** Message tokens: JWTs (RFC 7519) that are issued and verified here only. */
import { timingSafeEqual } from 'node:crypto'
import { createSigner, createVerifier, TokenError } from 'fast-jwt'
import { LRUCache } from 'lru-cache'
import { PushError } from '../errors.ts'
import {
  accountMark,
  isAppName,
  isName,
  isTokenId,
  isVersion,
  tokenId,
  type Device,
  type Epochs,
  type Triple,
} from '../topics/index.ts'
import type { Auth, Grant, IssuedToken } from './contract.ts'
import { isRecord } from './fields.ts'
import { checkSpelling, invalid, parseHeader } from './jwt.ts'
import type { RandomBytes, RingKey } from './keys.ts'
import type { Ring } from './ring.ts'

interface TokenOptions {
  readonly ring: Ring
  readonly tokenIdKey: Uint8Array
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random: RandomBytes
}

export type Tokens = Pick<Auth, 'tokenIdOf' | 'accountMarkOf' | 'issue' | 'verify' | 'holds'>

/** Names of 128 bytes and an RS256 signature make 2.5 KiB. */
const MAX_TOKEN_LENGTH = 4096
/** How far the clock of the node that issued may be ahead of ours (RFC 7519 section 4.1.5 calls it leeway). */
const SKEW_SECONDS = 60
/** 100 years: as good as forever, and far from where dates end. */
const MAX_TTL_SECONDS = 3_155_760_000
const JTI = /^(0|[1-9a-z][0-9a-z]{0,10})\.[A-Za-z0-9_-]{16}$/
const JTI_BYTES = 12
const NO_EPOCHS: Epochs = [0, 0]
/** How many tokens that were verified lately are remembered: about half a kilobyte each. */
const REMEMBERED = 2048

/** A token whose signature and claims are right; only time can still go against it. */
interface Verified {
  readonly device: Device
  /** Seconds since the epoch, as in the token. */
  readonly notBefore: number
}

/** All that a token may claim; `nbf` is taken, and never issued. */
const CLAIMS: ReadonlySet<string> = new Set([
  'app',
  'device',
  'account',
  'version',
  'sub',
  'iss',
  'aud',
  'iat',
  'nbf',
  'exp',
  'jti',
  'renew',
  'epochs',
])

export function createTokens(options: TokenOptions): Tokens {
  const { ring } = options
  const signerOf = once(({ signingKey, algorithm, kid }) => createSigner({ key: signingKey, algorithm, kid }))
  const checkSignature = signatureCheck(ring)
  // A device on a bad line reconnects again and again: its token is verified once. Only tokens that hold are kept, under
  // their whole text, so that no other one can be taken for them.
  const remembered = new LRUCache<string, Verified>({ max: REMEMBERED })

  return {
    tokenIdOf(triple) {
      checkNames(triple)
      return tokenId(options.tokenIdKey, triple)
    },
    accountMarkOf(app, account) {
      return accountMark(options.tokenIdKey, app, account)
    },
    issue(grant) {
      checkGrant(grant)
      return issue(options, signerOf(ring.signing()), grant)
    },
    verify(token) {
      const found = remembered.get(token)
      // One whose key was retired since is verified as if it was never seen.
      const known = found !== undefined && ring.find(found.device.kid) !== undefined ? found : undefined
      const verified = known ?? readClaims(options, checkSignature(token))
      checkTime(verified, options.now())
      if (known === undefined) remembered.set(token, verified)
      return verified.device
    },
    holds({ kid }) {
      return ring.find(kid) !== undefined
    },
  }
}

/** What is made of a key, once for each; it goes with the key. */
function once<T>(make: (key: RingKey) => T): (key: RingKey) => T {
  const made = new WeakMap<RingKey, { readonly value: T }>()
  return (key) => {
    const known = made.get(key) ?? { value: make(key) }
    made.set(key, known)
    return known.value
  }
}

function issue(options: TokenOptions, sign: (claims: Record<string, unknown>) => string, grant: Grant): IssuedToken {
  const { app, device, account, version, renewUntil, epochs = NO_EPOCHS } = grant
  const id = tokenId(options.tokenIdKey, grant)
  const iat = Math.floor(options.now() / 1000)
  const exp = iat + grant.ttl
  const token = sign({
    app,
    device,
    account,
    ...(version === undefined ? {} : { version }),
    sub: id,
    iss: options.issuer,
    aud: options.audience,
    iat,
    exp,
    ...(renewUntil === undefined ? {} : { renew: Math.floor(renewUntil / 1000) }),
    ...(epochs[0] === 0 && epochs[1] === 0 ? {} : { epochs }),
    jti: `${grant.generation.toString(36)}.${options.random(JTI_BYTES).toString('base64url')}`,
  })
  return { token, tokenId: id, expiresAt: exp * 1000 }
}

/** Nothing is issued that would not be accepted afterwards. */
function checkGrant(grant: Grant): void {
  checkNames(grant)
  if (grant.version !== undefined && !isVersion(grant.version)) throw new PushError('VERSION_INVALID')
  if (!Number.isSafeInteger(grant.ttl) || grant.ttl < 1 || grant.ttl > MAX_TTL_SECONDS)
    throw new PushError('TTL_INVALID')
  if (!isWhole(grant.generation)) throw new TypeError('a generation is a whole number, 0 or more')
}

function checkNames({ app, device, account }: Triple): void {
  if (!isAppName(app)) throw new PushError('NAME_INVALID', 'app')
  if (!isName(device)) throw new PushError('NAME_INVALID', 'device')
  if (account !== '' && !isName(account)) throw new PushError('NAME_INVALID', 'account')
}

interface Signed {
  readonly kid: string
  readonly claims: unknown
}

/**
 * The claims of a token that a key of the ring has signed. The key is chosen by `kid` and by nothing else of the header,
 * and verifies with its own algorithm only (RFC 8725 section 3.1): no `none`, no public key taken for a secret.
 */
function signatureCheck(ring: Ring): (token: string) => Signed {
  const verifierOf = once(makeVerifier)
  return (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw invalid(`longer than ${MAX_TOKEN_LENGTH} bytes`)
    const { kid, alg } = parseHeader(token)
    const key = typeof kid === 'string' ? ring.find(kid) : undefined
    if (key === undefined) {
      ring.missed()
      throw invalid('no key here has its kid')
    }
    if (alg !== key.algorithm) throw invalid('its alg is not the one of its key')
    checkSpelling(token)
    try {
      return { kid: key.kid, claims: verifierOf(key)(token) }
    } catch (error) {
      if (error instanceof TokenError) throw invalid('its signature or form is wrong')
      throw error
    }
  }
}

/**
 * Time is left to `checkTime`: fast-jwt takes its clock once, when the verifier is made. `iss` and `aud` are left to
 * `readClaims`, because fast-jwt lets a token pass that lacks them.
 */
function makeVerifier({ verifyingKey, algorithm }: RingKey): (token: string) => unknown {
  return createVerifier({
    key: verifyingKey,
    algorithms: [algorithm],
    checkTyp: 'JWT',
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
}

function readClaims(options: TokenOptions, { kid, claims }: Signed): Verified {
  if (!isRecord(claims)) throw invalid('it has no claims')
  // Signed with our keys, but misspelt: `versions` instead of `version` would silently give a token without a version.
  const unknown = Object.keys(claims).find((name) => !CLAIMS.has(name))
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown.slice(0, 32))} is not a claim here`)
  if (claims['iss'] !== options.issuer) throw invalid('iss')
  if (claims['aud'] !== options.audience) throw invalid('aud')
  const triple = readTriple(claims)
  const version = readVersion(claims['version'])
  const id = readSubject(claims['sub'], tokenId(options.tokenIdKey, triple))
  const issuedAt = readSeconds(claims['iat'], 'iat')
  const expires = readSeconds(claims['exp'], 'exp')
  const notBefore = claims['nbf'] === undefined ? 0 : readSeconds(claims['nbf'], 'nbf')
  const device: Device = {
    kind: 'device',
    ...triple,
    ...(version === undefined ? {} : { version }),
    tokenId: id,
    kid,
    accountMark: accountMark(options.tokenIdKey, triple.app, triple.account),
    generation: readGeneration(claims['jti']),
    issuedAt: issuedAt * 1000,
    expiresAt: expires * 1000,
    // Those of before there were renewals end as they were meant to.
    renewUntil: claims['renew'] === undefined ? 0 : readSeconds(claims['renew'], 'renew') * 1000,
    epochs: readEpochs(claims['epochs']),
  }
  return { device: Object.freeze(device), notBefore }
}

function readTriple({ app, device, account }: Record<string, unknown>): Triple {
  if (typeof app !== 'string' || !isAppName(app)) throw invalid('app')
  if (typeof device !== 'string' || !isName(device)) throw invalid('device')
  if (typeof account !== 'string' || (account !== '' && !isName(account))) throw invalid('account')
  return { app, device, account }
}

function readVersion(version: unknown): string | undefined {
  if (version === undefined) return undefined
  if (typeof version !== 'string' || !isVersion(version)) throw invalid('version')
  return version
}

function readSubject(subject: unknown, expected: string): string {
  if (typeof subject !== 'string' || !isTokenId(subject)) throw invalid('sub')
  if (!timingSafeEqual(Buffer.from(subject, 'latin1'), Buffer.from(expected, 'latin1'))) throw invalid('sub')
  return expected
}

function readSeconds(value: unknown, claim: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(claim)
  return value
}

function readGeneration(jti: unknown): number {
  const [, text = ''] = (typeof jti === 'string' && JTI.exec(jti)) || []
  const generation = Number.parseInt(text, 36)
  if (!isWhole(generation)) throw invalid('jti')
  return generation
}

function readEpochs(epochs: unknown): Epochs {
  if (epochs === undefined) return NO_EPOCHS
  const [app, account, ...others]: unknown[] = Array.isArray(epochs) ? epochs : []
  if (others.length > 0 || !isWhole(app) || !isWhole(account)) throw invalid('epochs')
  return [app, account]
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/**
 * `exp` is the first moment at which the token no longer holds (RFC 7519 section 4.1.4). One of the future is good, and
 * a clock is wrong, as a rule ours: it is not to be thrown away.
 */
function checkTime({ device, notBefore }: Verified, now: number): void {
  const latest = now + SKEW_SECONDS * 1000
  if (Math.max(device.issuedAt, notBefore * 1000) > latest) throw new PushError('TOKEN_NOT_YET_VALID')
  if (now >= device.expiresAt) throw new PushError('TOKEN_EXPIRED')
}
