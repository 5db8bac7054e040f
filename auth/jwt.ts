/** The form of a JWT (RFC 7519), before anything of it can be believed. */
import { PushError } from '../errors.ts'
import { isRecord } from './fields.ts'

/** Header, claims, signature; the header is a JSON object, and the signature of an `alg: none` token is empty. */
const TOKEN = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

export function isJwt(text: string): boolean {
  return TOKEN.test(text)
}

/** What is wrong with a token, for its reader. Never a part of the token, except for the names of claims. */
export function invalid(detail: string): PushError {
  return new PushError('TOKEN_INVALID', detail)
}

/** @throws TOKEN_INVALID */
export function parseHeader(token: string): Record<string, unknown> {
  return parsePart(token.slice(0, token.indexOf('.')))
}

/** What it claims, unverified. @throws TOKEN_INVALID */
export function parseClaims(token: string): Record<string, unknown> {
  return parsePart(token.slice(token.indexOf('.') + 1, token.lastIndexOf('.')))
}

function parsePart(part: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  } catch {
    // Said below; the message of JSON.parse would quote the token.
  }
  if (!isRecord(value)) throw invalid('it is not a JWT')
  return value
}

/**
 * The last character of a signature has bits that mean nothing: one spelling is taken, so that a token has one text.
 * @throws TOKEN_INVALID
 */
export function checkSpelling(token: string): void {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature)
    throw invalid('its signature or form is wrong')
}
