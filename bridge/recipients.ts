/** The receivers of a message: checks `to` of a request against the provider's rights. */
import { looksLikeToken } from '../auth/index.ts'
import { PushError } from '../errors.ts'
import { isAppName, isName, isTokenId, isVersion, mayActFor, parseTagSelector, parseVersions } from '../topics/index.ts'
import type { Device, Provider, Selector, TagSelector, VersionSelector } from '../topics/index.ts'
import type { RequestWork } from './work.ts'
import {
  codeForOne,
  eachInTurn,
  type BroadcastDestination,
  type Publisher,
  type Receiver,
  type Rejected,
} from './publisher.ts'

export interface To {
  readonly token?: string
  readonly tokens?: readonly string[]
  readonly app?: string
  readonly version?: string
  readonly versions?: string
  readonly tags?: TagSelector | undefined
  readonly account?: string
}

export type Recipients =
  | { readonly kind: 'broadcast'; readonly destination: BroadcastDestination }
  | { readonly kind: 'account'; readonly app: string; readonly account: string }
  | { readonly kind: 'private'; readonly receivers: readonly Receiver[]; readonly rejected: readonly Rejected[] }

interface RecipientContext {
  readonly provider: Provider
  readonly publisher: Publisher
  /** @throws TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID, UNSUPPORTED_BY_BRIDGE */
  readonly verify: (token: string) => Device
  readonly work: Pick<RequestWork, 'token' | 'receiver'>
}

/** @throws NAME_INVALID, VERSION_INVALID, VERSION_RANGE_INVALID, TAGS_INVALID, APP_FORBIDDEN, and what the context throws for all */
export function recipientsOf(to: To, context: RecipientContext): Recipients | Promise<Recipients> {
  if (to.app !== undefined) checkApp(to.app, context.provider)
  const tokens = to.tokens ?? (to.token === undefined ? undefined : [to.token])
  if (tokens !== undefined) return privateRecipients(tokens, to.app, context)
  if (to.app === undefined) throw new PushError('REQUEST_INVALID', '`to` has no receiver')
  if (to.account !== undefined) {
    if (!isName(to.account)) throw new PushError('NAME_INVALID', '`to.account`')
    return { kind: 'account', app: to.app, account: to.account }
  }
  return { kind: 'broadcast', destination: { kind: 'broadcast', app: to.app, selector: selectorOf(to) } }
}

function checkApp(app: string, provider: Provider): void {
  if (!isAppName(app)) throw new PushError('NAME_INVALID', '`to.app`')
  if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
}

function selectorOf(to: To): Selector {
  const versions = versionsOf(to)
  if (to.tags === undefined) return versions
  const tags = parseTagSelector(to.tags)
  if (tags === undefined) throw new PushError('TAGS_INVALID', '`to.tags`')
  return { ...versions, tags }
}

function versionsOf({ version, versions }: To): VersionSelector {
  if (version !== undefined) {
    if (!isVersion(version)) throw new PushError('VERSION_INVALID', '`to.version`')
    return { kind: 'exact', version }
  }
  const selector = parseVersions(versions ?? '')
  if (selector === undefined) throw new PushError('VERSION_RANGE_INVALID', '`to.versions`')
  return selector
}

/** Removes duplicate token ids, in whichever form the request has them. */
function privateRecipients(
  tokens: readonly string[],
  app: string | undefined,
  context: RecipientContext,
): Recipients | Promise<Recipients> {
  const { work, provider } = context
  const turn = (token: string) => (looksLikeToken(token) ? work.token(provider) : work.receiver(provider))
  const [only] = tokens
  if (only === undefined || tokens.length > 1) return manyRecipients(tokens, app, context, turn)
  const waiting = turn(only)
  return waiting === undefined ? oneRecipient(only, app, context) : waiting.then(() => oneRecipient(only, app, context))
}

async function manyRecipients(
  tokens: readonly string[],
  app: string | undefined,
  context: RecipientContext,
  turn: (token: string) => Promise<void> | undefined,
): Promise<Recipients> {
  const resolved = await eachInTurn(tokens, turn, async (token) => receiverOf(token, app, context))
  const receivers = new Map<string, Receiver>()
  const rejected = new Map<string, Rejected>()
  for (const [index, result] of resolved.entries()) {
    const token = tokens[index] ?? ''
    if (result.status === 'rejected') rejected.set(token, { token, code: codeForOne(result.reason) })
    else if (!receivers.has(result.value.destination.tokenId))
      receivers.set(result.value.destination.tokenId, result.value)
  }
  return { kind: 'private', receivers: [...receivers.values()], rejected: [...rejected.values()] }
}

/** Most requests name one, and nothing has to be awaited for it. */
function oneRecipient(
  token: string,
  app: string | undefined,
  context: RecipientContext,
): Recipients | Promise<Recipients> {
  const found = (receiver: Receiver): Recipients => ({ kind: 'private', receivers: [receiver], rejected: [] })
  const refused = (error: unknown): Recipients => {
    return { kind: 'private', receivers: [], rejected: [{ token, code: codeForOne(error) }] }
  }
  try {
    const receiver = receiverOf(token, app, context)
    return receiver instanceof Promise ? receiver.then(found, refused) : found(receiver)
  } catch (error) {
    return refused(error)
  }
}

function receiverOf(
  token: string,
  app: string | undefined,
  { provider, publisher, verify }: RecipientContext,
): Receiver | Promise<Receiver> {
  if (looksLikeToken(token)) {
    const device = verify(token)
    if (!mayActFor(provider, device.app)) throw new PushError('APP_FORBIDDEN')
    if (app !== undefined && app !== device.app) throw new PushError('TOKEN_UNKNOWN')
    return { token, destination: { kind: 'private', tokenId: device.tokenId, app: device.app } }
  }
  if (!isTokenId(token)) throw new PushError('TOKEN_INVALID')
  const known = app ?? publisher.appOf(token, provider)
  const under = (its: string | undefined): Receiver => {
    return { token, destination: { kind: 'private', tokenId: token, app: its } }
  }
  return known instanceof Promise ? known.then(under) : under(known)
}
