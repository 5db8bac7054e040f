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
import type { KeyRing, RandomBytes, RingKey } from './keys.ts'

interface TokenOptions {
  readonly ring: KeyRing
  /** Looks for keys that were added since; absent: there is no such place. */
  readonly reloadRing?: () => Promise<KeyRing>
  readonly tokenIdKey: Uint8Array
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds that only grow, for durations. */
  readonly monotonic: () => number
  readonly random: RandomBytes
}

export type Tokens = Pick<Auth, 'tokenIdOf' | 'accountMarkOf' | 'issue' | 'verify'>

/** Names of 128 bytes and an RS256 signature make 2.5 KiB. */
const MAX_TOKEN_LENGTH = 4096
/** How far the clock of the node that issued may be ahead of ours (RFC 7519 section 4.1.5 calls it leeway). */
const SKEW_SECONDS = 60
/** 100 years: as good as forever, and far from where dates end. */
const MAX_TTL_SECONDS = 3_155_760_000
const JTI = /^(0|[1-9a-z][0-9a-z]{0,10})\.[A-Za-z0-9_-]{16}$/
const JTI_BYTES = 12
const NO_EPOCHS: Epochs = [0, 0]
/** Milliseconds between two looks for new keys. */
const RELOAD_INTERVAL = 5_000
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
  const sign = signer(options.ring.signing)
  const checkSignature = signatureCheck(options)
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
      return issue(options, sign, grant)
    },
    verify(token) {
      const known = remembered.get(token)
      const verified = known ?? readClaims(options, checkSignature(token))
      checkTime(verified, options.now())
      if (known === undefined) remembered.set(token, verified)
      return verified.device
    },
  }
}

function signer({ signingKey, algorithm, kid }: RingKey): (claims: Record<string, unknown>) => string {
  return createSigner({ key: signingKey, algorithm, kid })
}

function issue(options: TokenOptions, sign: (claims: Record<string, unknown>) => string, grant: Grant): IssuedToken {
  checkGrant(grant)
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

/**
 * The claims of a token that a key of the ring has signed. The key is chosen by `kid` and by nothing else of the header,
 * and verifies with its own algorithm only (RFC 8725 section 3.1): no `none`, no public key taken for a secret.
 */
function signatureCheck(options: TokenOptions): (token: string) => unknown {
  const findVerifier = verifierLookup(options)
  return (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw invalid(`longer than ${MAX_TOKEN_LENGTH} bytes`)
    const { kid, alg } = parseHeader(token)
    const found = typeof kid === 'string' ? findVerifier(kid) : undefined
    if (found === undefined) throw invalid('no key here has its kid')
    if (alg !== found.algorithm) throw invalid('its alg is not the one of its key')
    checkSpelling(token)
    try {
      return found.verify(token)
    } catch (error) {
      if (error instanceof TokenError) throw invalid('its signature or form is wrong')
      throw error
    }
  }
}

interface Verifier {
  readonly algorithm: string
  readonly verify: (token: string) => unknown
}

/**
 * An unknown `kid` may be of a key that another node has made since, so the ring is read again, for the tokens that
 * come next. Not for this one: whoever sends nonsense shall neither wait nor make us read more than now and then.
 */
function verifierLookup({ ring, reloadRing, monotonic }: TokenOptions): (kid: string) => Verifier | undefined {
  const verifiers = new Map<string, Verifier>()
  let reloadAfter = Number.NEGATIVE_INFINITY
  const learn = (learned: KeyRing) => {
    for (const key of learned.keys.values()) if (!verifiers.has(key.kid)) verifiers.set(key.kid, makeVerifier(key))
  }
  learn(ring)
  return (kid) => {
    const found = verifiers.get(kid)
    if (found === undefined && reloadRing !== undefined && monotonic() >= reloadAfter) {
      reloadAfter = monotonic() + RELOAD_INTERVAL
      // When it fails, the next unknown kid after the interval tries again; every known key works on.
      reloadRing()
        .then(learn)
        .catch(() => undefined)
    }
    return found
  }
}

/**
 * Time is left to `checkTime`: fast-jwt takes its clock once, when the verifier is made. `iss` and `aud` are left to
 * `readClaims`, since fast-jwt lets a token pass that lacks them.
 */
function makeVerifier({ verifyingKey, algorithm }: RingKey): Verifier {
  const verify = createVerifier({
    key: verifyingKey,
    algorithms: [algorithm],
    checkTyp: 'JWT',
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  return { algorithm, verify }
}

function readClaims(options: TokenOptions, claims: unknown): Verified {
  if (!isRecord(claims)) throw invalid('it has no claims')
  // Signed by whoever has the keys, and misspelt: `versions` for `version` would silently be a token without one.
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
