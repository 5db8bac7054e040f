/** What a message token says of itself. The server alone knows whether it holds. */
import { broadcastTopic, isTokenId, privateTopic } from '../../topics/index.ts'

export interface TokenNames {
  readonly app: string
  readonly tokenId: string
  readonly privateTopic: string
  readonly broadcastTopic: string | undefined
}

/** Undefined: it is no message token. */
export function readToken(token: string): TokenNames | undefined {
  const [, claims = '', signature] = token.split('.')
  if (signature === undefined) return undefined
  let said: { readonly app?: unknown; readonly sub?: unknown; readonly version?: unknown } | null
  try {
    said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as typeof said
  } catch {
    return undefined
  }
  const { app, sub, version } = said ?? {}
  if (typeof app !== 'string' || typeof sub !== 'string' || !isTokenId(sub)) return undefined
  return {
    app,
    tokenId: sub,
    privateTopic: privateTopic(app, sub),
    broadcastTopic: typeof version === 'string' ? broadcastTopic(app, version) : undefined,
  }
}

/** Of a message token; what is none is given back. */
export function tokenIdOf(given: string): string {
  return readToken(given)?.tokenId ?? given
}
