/** Verifies the token of an identity provider: issued by it, for us, and currently valid. */
import { TokenError } from 'fast-jwt'
import { PushError } from '../../errors.ts'
import { isName, MAX_TAG_BYTES, MAX_TAGS, parseTags } from '../../topics/index.ts'
import type { Identity } from '../contract.ts'
import { isRecord } from '../fields.ts'
import { checkSpelling, invalid, isJwt, parseClaims, parseHeader } from '../jwt.ts'
import type { AsymmetricAlgorithm } from '../key-types.ts'
import type { IssuerEntry } from './entries.ts'
import { verifierOf, type IssuerKey } from './issuer-keys.ts'

/** How far their clock may be ahead of ours. */
const SKEW_SECONDS = 60
/** They hold what other services need too; HTTP headers end here as well. */
const MAX_LENGTH = 16 * 1024
/** Access tokens (RFC 9068 section 2.1), and those of before there were types; not those that say that somebody logged out. */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt'])
const YEAR_10000 = 253_402_300_800

/** The claimed issuer of a token, unverified. Undefined: not a token of an issuer. */
export function claimedIssuer(token: string): unknown {
  if (token.length > MAX_LENGTH || !isJwt(token)) return undefined
  try {
    return parseClaims(token)['iss']
  } catch {
    return undefined
  }
}

/** Which key a token asks for. @throws TOKEN_INVALID */
export function askedKey(
  token: string,
  { algorithms }: IssuerEntry,
): { readonly alg: AsymmetricAlgorithm; readonly kid: string | undefined } {
  const { alg: name, kid, typ } = parseHeader(token)
  const alg = algorithms.find((each) => each === name)
  if (alg === undefined) throw invalid('its alg is not one of its issuer')
  if (kid !== undefined && typeof kid !== 'string') throw invalid('kid')
  if (typ !== undefined && (typeof typ !== 'string' || !TYPES.has(typ.toLowerCase().replace(/^application\//, ''))))
    throw invalid('typ')
  return { alg, kid }
}

/** Its claims, when one of these keys has signed it. @throws TOKEN_INVALID */
export function verifiedClaims(token: string, alg: AsymmetricAlgorithm, keys: readonly IssuerKey[]): unknown {
  checkSpelling(token)
  for (const key of keys) {
    try {
      return verifierOf(key, alg)(token)
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
    }
  }
  throw invalid(keys.length === 0 ? 'no key of its issuer has its kid' : 'its signature or form is wrong')
}

/** @throws TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID */
export function readIdentity(claims: unknown, entry: IssuerEntry, now: number): Identity {
  if (!isRecord(claims) || claims['iss'] !== entry.issuer) throw invalid('iss')
  if (!isFor(claims['aud'], entry.audience)) throw invalid('aud')
  const expiresAt = readTime(claims, now)
  const account = own(claims, entry.claims.account)
  if (typeof account !== 'string' || account === '' || !isName(entry.accountPrefix + account))
    throw invalid(`${entry.claims.account}: no name of an account`)
  const tags = entry.claims.tags === undefined ? undefined : readTags(own(claims, entry.claims.tags), entry.claims.tags)
  return Object.freeze({
    kind: 'identity',
    issuer: entry.issuer,
    account: entry.accountPrefix + account,
    apps: readApps(claims, entry),
    ...(tags === undefined ? {} : { tags }),
    expiresAt,
  })
}

/** Not of a prototype: a claim may have any name. */
function own(claims: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function isFor(audience: unknown, expected: string): boolean {
  return Array.isArray(audience) ? audience.includes(expected) : audience === expected
}

function readTime(claims: Record<string, unknown>, now: number): number {
  const expires = readDate(claims, 'exp')
  if (expires === undefined) throw invalid('exp')
  const from = Math.max(readDate(claims, 'iat') ?? 0, readDate(claims, 'nbf') ?? 0)
  if (from * 1000 > now + SKEW_SECONDS * 1000) throw new PushError('TOKEN_NOT_YET_VALID')
  if (now >= expires * 1000) throw new PushError('TOKEN_EXPIRED')
  return Math.floor(expires * 1000)
}

/** A NumericDate, which may have a fraction (RFC 7519 section 2). */
function readDate(claims: Record<string, unknown>, name: string): number | undefined {
  const value = own(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value >= 0 && value < YEAR_10000)) throw invalid(name)
  return value
}

function readApps(claims: Record<string, unknown>, { apps, claims: { app: name } }: IssuerEntry): ReadonlySet<string> {
  if (name === undefined) return apps
  const app = own(claims, name)
  if (typeof app !== 'string' || !apps.has(app)) throw invalid(`${name}: no app of its issuer`)
  return new Set([app])
}

function readTags(value: unknown, name: string): readonly string[] {
  const tags = value === undefined ? [] : parseTags(value)
  if (tags === undefined)
    throw invalid(`${name}: at most ${MAX_TAGS} tags of 1 to ${MAX_TAG_BYTES} bytes without control characters`)
  return tags
}
