/** Message tokens: reading their claims, and requesting one. */
import { fromBase64 } from './bytes.ts'
import { type Api, apiOf, ask } from './call.ts'
import { parsed } from './errors.ts'
import type { TokenAnswer, TokenRequest } from './types.ts'

/** A token, and the position of its reader. */
export interface Session {
  readonly token: string
  readonly tokenId: string
  readonly app: string
  /** When it expires, milliseconds since the epoch; Infinity if unknown. */
  readonly renewAt: number
  readonly place: Place
}

/** In the logs of one token id: a cursor is for no other. */
export interface Place {
  /** Everything up to this cursor is handled. */
  cursor?: string | undefined
  /** The last cursor that the server accepted. */
  acknowledged?: string | undefined
}

/** Fraction of its lifetime after which a token is renewed: two thirds and some jitter. */
const RENEW_AT = 2 / 3
const SPREAD = 0.1

/**
 * @param before the session that goes on, where it is the same token id
 * @param issuedAt by the clock of this device, where it was issued just now: the clock of the device may be wrong
 */
export function sessionOf(token: string, before?: Session, issuedAt?: number): Session {
  const { sub, app, iat, exp } = claimsOf(token)
  const tokenId = typeof sub === 'string' ? sub : token
  const life = (Number(exp) - Number(iat)) * 1_000
  const renewAt = (issuedAt ?? Number(iat) * 1_000) + life * (RENEW_AT + Math.random() * SPREAD)
  return {
    token,
    tokenId,
    app: String(app),
    renewAt: Number.isNaN(renewAt) ? Infinity : renewAt,
    place: before?.tokenId === tokenId ? before.place : {},
  }
}

/** Unverified: the server verifies them. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    return Object(parsed(new TextDecoder().decode(fromBase64(token.split('.')[1] ?? ''))))
  } catch {
    return {}
  }
}

/**
 * Requests a token with `POST /v1/tokens`.
 * @param credential an enrolment code, a JWT of an identity provider, or a message token; never put a provider key into
 * an app
 * @throws PushClientError
 */
export async function requestToken(
  url: string,
  credential: string,
  request: TokenRequest,
  signal?: AbortSignal,
): Promise<TokenAnswer> {
  return await askForToken(apiOf(url), credential, request, signal)
}

export async function askForToken(
  api: Api,
  credential: string,
  body: TokenRequest,
  signal?: AbortSignal,
): Promise<TokenAnswer> {
  const answer = await ask(api, { method: 'POST', path: 'tokens', token: credential, body }, signal)
  return answer as TokenAnswer
}
