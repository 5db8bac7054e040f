/** Push topics, and how to parse them. */
import { decodeVersion, encodeVersion, isAppName } from './names.ts'
import { isTokenId } from './token-id.ts'

export type PushTopic =
  | { readonly kind: 'private'; readonly app: string; readonly tokenId: string }
  | { readonly kind: 'broadcast'; readonly app: string; readonly version: string }
  /** From a device to its providers. */
  | { readonly kind: 'upstream'; readonly app: string; readonly tokenId: string }

/** `<app>/t/<token id>` */
export function privateTopic(app: string, tokenId: string): string {
  return `${app}/t/${tokenId}`
}

/** `<app>/<version>`, with `%XX` for `+ # / %` of the version. */
export function broadcastTopic(app: string, version: string): string {
  return `${app}/${encodeVersion(version)}`
}

/** `<app>/u/<token id>/`: what a device publishes lies below it. */
export function upstreamPrefix(app: string, tokenId: string): string {
  return `${app}/u/${tokenId}/`
}

/** Parses a topic name (not a filter); undefined if it is not a push topic. */
export function parseTopic(topic: string): PushTopic | undefined {
  const slash = topic.indexOf('/')
  if (slash < 1) return undefined
  const app = topic.slice(0, slash)
  const second = topic.indexOf('/', slash + 1)
  if (second === -1) {
    const version = decodeVersion(topic.slice(slash + 1))
    return version !== undefined && isAppName(app) ? { kind: 'broadcast', app, version } : undefined
  }
  const marker = topic.slice(slash + 1, second)
  if ((marker !== 't' && marker !== 'u') || !isAppName(app)) return undefined
  return marker === 't' ? parsePrivate(app, topic.slice(second + 1)) : parseUpstream(app, topic.slice(second + 1))
}

function parsePrivate(app: string, rest: string): PushTopic | undefined {
  return isTokenId(rest) ? { kind: 'private', app, tokenId: rest } : undefined
}

function parseUpstream(app: string, rest: string): PushTopic | undefined {
  const slash = rest.indexOf('/')
  if (slash === -1 || slash === rest.length - 1) return undefined
  const tokenId = rest.slice(0, slash)
  return isTokenId(tokenId) ? { kind: 'upstream', app, tokenId } : undefined
}
