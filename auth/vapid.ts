/**
 * Verifies the sender of a Web Push message: an application server, by a token that it signs with its own key (RFC
 * 8292).
 */
import { createPublicKey, ECDH } from 'node:crypto'
import { createVerifier, TokenError } from 'fast-jwt'
import { LRUCache } from 'lru-cache'
import { PushError } from '../errors.ts'
import { isRecord } from './fields.ts'
import { checkSpelling, isJwt } from './jwt.ts'

/** RFC 8292 section 2: a token ends within 24 hours, s. */
const LONGEST_LIFE = 86_400
/** Subjects are addresses and URLs. */
const MAX_TOKEN = 2_048
/** A verifier is some kilobytes. */
const REMEMBERED = 256
const KEY_BYTES = 65
const UNCOMPRESSED = 0x04
const KEY = /^[A-Za-z0-9_-]{87}$/
/** RFC 9110 section 11.4: after the scheme, names with a token or a quoted text. */
const PARAMETER = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*=[ \t]*(?:"([^"\\]*)"|([^\s,"]+))[ \t]*(?:,[ \t]*|$)/y

/** A public key of an application server as 33 bytes; undefined if invalid. */
export function parseVapidKey(text: string): Buffer | undefined {
  if (!KEY.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  // One spelling: the last character has bits that mean nothing.
  if (bytes.length !== KEY_BYTES || bytes[0] !== UNCOMPRESSED || bytes.toString('base64url') !== text) return undefined
  try {
    // It takes points of the curve only.
    return Buffer.from(ECDH.convertKey(bytes, 'prime256v1', undefined, undefined, 'compressed') as Buffer)
  } catch {
    return undefined
  }
}

/** Whether a request has credentials of RFC 8292; others are nothing here. */
export function isVapid(authorization: string): boolean {
  return /^vapid(\s|$)/i.test(authorization)
}

/** Checks `Authorization`, and gives the key that has signed, as `parseVapidKey` does. @throws VAPID_INVALID */
export type CheckVapid = (authorization: string, audience: string) => Buffer

export function createVapid(now: () => number): CheckVapid {
  const verifiers = new LRUCache<string, (token: string) => unknown>({ max: REMEMBERED })

  function verifierOf(key: string): (token: string) => unknown {
    const known = verifiers.get(key) ?? makeVerifier(key)
    verifiers.set(key, known)
    return known
  }

  return (authorization, audience) => {
    const { t: token, k: key } = parameters(authorization)
    if (token === undefined || key === undefined) throw invalid('it takes `t` and `k`, each once')
    const compressed = parseVapidKey(key)
    if (compressed === undefined) throw invalid('`k` is no public key on the curve P-256')
    if (token.length > MAX_TOKEN || !isJwt(token)) throw invalid('`t` is no JWT')
    checkClaims(claimsOf(token, verifierOf(key)), audience, now() / 1000)
    return compressed
  }
}

function invalid(detail: string): PushError {
  return new PushError('VAPID_INVALID', detail)
}

/** Unknown parameters are ignored; a repeated one is invalid. */
function parameters(authorization: string): { readonly t?: string | undefined; readonly k?: string | undefined } {
  const text = authorization.slice('vapid'.length).trim()
  const found = new Map<string, string | undefined>()
  PARAMETER.lastIndex = 0
  for (let at = 0; at < text.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at
    const [, name = '', quoted, bare] = PARAMETER.exec(text) ?? []
    if (name === '') throw invalid('its parameters are not `name=value, ...`')
    const known = name.toLowerCase()
    found.set(known, found.has(known) ? undefined : (quoted ?? bare))
  }
  return { t: found.get('t'), k: found.get('k') }
}

/** With this key and its algorithm only, whatever the header names. */
function makeVerifier(key: string): (token: string) => unknown {
  const bytes = Buffer.from(key, 'base64url')
  const [x, y] = [bytes.subarray(1, 33).toString('base64url'), bytes.subarray(33).toString('base64url')]
  const pem = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })
  return createVerifier({
    key: pem.toString(),
    algorithms: ['ES256'],
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
}

function claimsOf(token: string, verify: (token: string) => unknown): Record<string, unknown> {
  try {
    checkSpelling(token)
    const claims = verify(token)
    if (isRecord(claims)) return claims
  } catch (error) {
    if (!(error instanceof TokenError) && !(error instanceof PushError)) throw error
  }
  throw invalid('the signature or form of `t` is wrong')
}

function checkClaims(claims: Record<string, unknown>, audience: string, seconds: number): void {
  const { aud, exp } = claims
  const isFor = Array.isArray(aud) ? aud.includes(audience) : aud === audience
  if (!isFor) throw invalid(`its \`aud\` is not ${audience}`)
  if (typeof exp !== 'number' || !(exp > seconds)) throw invalid('it has expired, or has no `exp`')
  if (exp > seconds + LONGEST_LIFE) throw invalid('its `exp` is more than 24 hours away')
}
