/** Message tokens: JWTs (RFC 7519) that are issued and verified here only. */
import { timingSafeEqual } from 'node:crypto'
import { createSigner, createVerifier, TokenError } from 'fast-jwt'
import { PushError } from '../errors.ts'
import { isAppName, isName, isTokenId, isVersion, tokenId, type Device, type Triple } from '../topics/index.ts'
import type { Auth, Grant, IssuedToken } from './contract.ts'
import { isRecord, type KeyRing, type RandomBytes, type RingKey } from './keys.ts'

export interface TokenSettings {
  readonly ring: KeyRing
  readonly tokenIdKey: Uint8Array
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random: RandomBytes
}

export type Tokens = Pick<Auth, 'tokenIdOf' | 'issue' | 'verify'>

/** Names of 128 bytes and an RS256 signature make 2.5 KiB. */
const MAX_TOKEN_LENGTH = 4096
/** How far the clock of the node that issued may be ahead of ours. */
const SKEW_SECONDS = 60
/** 100 years: as good as forever, and far from where dates end. */
const MAX_TTL_SECONDS = 3_155_760_000
const JTI = /^(0|[1-9a-z][0-9a-z]{0,10})\.[A-Za-z0-9_-]{16}$/
const JTI_BYTES = 12
/** Tokens that were verified lately, for devices that come back at once: at most 2 MiB or so. */
const REMEMBERED = 2048

/** A token whose signature and claims are right; only time can still go against it. */
interface Verified {
  readonly device: Device
  /** Seconds since the epoch, as in the token. */
  readonly issuedAt: number
  readonly notBefore: number
}

/** What is wrong with a token, for its reader. Never a part of the token. */
function invalid(detail: string): PushError {
  return new PushError('TOKEN_INVALID', detail)
}

export function createTokens(settings: TokenSettings): Tokens {
  const sign = signer(settings.ring.signing)
  const checkSignature = signatureCheck(settings.ring)
  const remembered = new Map<string, Verified>()

  return {
    tokenIdOf(triple) {
      checkNames(triple)
      return tokenId(settings.tokenIdKey, triple)
    },
    issue(grant) {
      return issue(settings, sign, grant)
    },
    verify(token) {
      const known = remembered.get(token)
      const verified = known ?? readClaims(settings, checkSignature(token))
      checkTime(verified, settings.now())
      if (known === undefined) remember(remembered, token, verified)
      return verified.device
    },
  }
}

/** Only tokens that hold are kept, under their whole text, so that no other one can be taken for them. */
function remember(remembered: Map<string, Verified>, token: string, verified: Verified): void {
  if (remembered.size >= REMEMBERED) {
    const [oldest] = remembered.keys()
    if (oldest !== undefined) remembered.delete(oldest)
  }
  remembered.set(token, verified)
}

function signer({ signingKey, algorithm, kid }: RingKey): (claims: Record<string, unknown>) => string {
  return createSigner({ key: signingKey, algorithm, kid })
}

function issue(settings: TokenSettings, sign: (claims: Record<string, unknown>) => string, grant: Grant): IssuedToken {
  checkGrant(grant)
  const { app, device, account, version } = grant
  const id = tokenId(settings.tokenIdKey, grant)
  const iat = Math.floor(settings.now() / 1000)
  const exp = iat + grant.ttl
  const token = sign({
    app,
    device,
    account,
    ...(version === undefined ? {} : { version }),
    sub: id,
    iss: settings.issuer,
    aud: settings.audience,
    iat,
    exp,
    jti: `${grant.generation.toString(36)}.${settings.random(JTI_BYTES).toString('base64url')}`,
  })
  return { token, tokenId: id, expiresAt: exp * 1000 }
}

/** Nothing is issued that would not be accepted afterwards. */
function checkGrant(grant: Grant): void {
  checkNames(grant)
  if (grant.version !== undefined && !isVersion(grant.version)) throw new PushError('VERSION_INVALID')
  if (!Number.isSafeInteger(grant.ttl) || grant.ttl < 1 || grant.ttl > MAX_TTL_SECONDS) throw new PushError('TTL_INVALID')
  if (!isGeneration(grant.generation)) throw new TypeError('a generation is a whole number, 0 or more')
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
function signatureCheck(ring: KeyRing): (token: string) => unknown {
  const verifiers = new Map([...ring.keys.values()].map((key) => [key.kid, { key, verify: verifier(key) }]))
  return (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw invalid(`longer than ${MAX_TOKEN_LENGTH} bytes`)
    const header = parseHeader(token)
    const found = typeof header['kid'] === 'string' ? verifiers.get(header['kid']) : undefined
    if (found === undefined) throw invalid('no key here has its kid')
    if (header['alg'] !== found.key.algorithm) throw invalid('its alg is not the one of its key')
    checkSpelling(token)
    try {
      return found.verify(token)
    } catch (error) {
      if (error instanceof TokenError) throw invalid('its signature or form is wrong')
      throw error
    }
  }
}

/**
 * Time is left to `checkTime`: fast-jwt takes its clock once, when the verifier is made. `iss` and `aud` are left to
 * `readClaims`, since fast-jwt lets a token pass that lacks them.
 */
function verifier({ verifyingKey, algorithm }: RingKey): (token: string) => unknown {
  return createVerifier({
    key: verifyingKey,
    algorithms: [algorithm],
    checkTyp: 'JWT',
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
}

function parseHeader(token: string): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString('utf8'))
  } catch {
    // Said below; the message of JSON.parse would quote the token.
  }
  if (!isRecord(header)) throw invalid('it is not a JWT')
  return header
}

/** The last character of a signature has bits that mean nothing: one spelling is taken, so that a token has one text. */
function checkSpelling(token: string): void {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) throw invalid('its signature or form is wrong')
}

function readClaims(settings: TokenSettings, claims: unknown): Verified {
  if (!isRecord(claims)) throw invalid('it has no claims')
  if (claims['iss'] !== settings.issuer) throw invalid('iss')
  if (claims['aud'] !== settings.audience) throw invalid('aud')
  const triple = readTriple(claims)
  const version = readVersion(claims['version'])
  const id = readSubject(claims['sub'], tokenId(settings.tokenIdKey, triple))
  const issuedAt = readSeconds(claims['iat'], 'iat')
  const expires = readSeconds(claims['exp'], 'exp')
  const notBefore = claims['nbf'] === undefined ? 0 : readSeconds(claims['nbf'], 'nbf')
  const device: Device = {
    kind: 'device',
    ...triple,
    ...(version === undefined ? {} : { version }),
    tokenId: id,
    generation: readGeneration(claims['jti']),
    expiresAt: expires * 1000,
  }
  return { device: Object.freeze(device), issuedAt, notBefore }
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
  if (!isGeneration(generation)) throw invalid('jti')
  return generation
}

function isGeneration(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** `exp` is the first moment at which the token no longer holds (RFC 7519 section 4.1.4). */
function checkTime({ device, issuedAt, notBefore }: Verified, now: number): void {
  const latest = now + SKEW_SECONDS * 1000
  if (issuedAt * 1000 > latest) throw invalid('issued in the future')
  if (notBefore * 1000 > latest) throw invalid('not valid yet')
  if (now >= device.expiresAt) throw new PushError('TOKEN_EXPIRED')
}
