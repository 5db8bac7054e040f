/** Inspects one token id: the calls behind `GET /v1/tokens/{tokenId}` and its messages. */
import { PushError } from '../../errors.ts'
import type { Store, TokenInspection } from '../../store/contract.ts'
import { broadcastTopic, isTokenId, mayActFor, privateTopic, type Provider } from '../../topics/index.ts'
import type { PageEntry, Pages } from '../lookup.ts'
import { payloadOf } from '../payload.ts'
import type { Accounts } from './accounts.ts'
import type { Caller } from './call.ts'
import { listed, stateOf, type ListedToken } from './list-tokens.ts'

interface InspectContext {
  readonly store: Pick<Store, 'inspectToken' | 'lookupToken'>
  readonly accounts: Pick<Accounts, 'refresh' | 'isRevoked'>
  readonly pages: Pages
  readonly now: () => number
}

export interface InspectedToken extends ListedToken {
  readonly app: string
  readonly session: TokenInspection['session']
  /** Of its private log. */
  readonly pending: TokenInspection['pending']
  readonly cursors: {
    readonly private: number
    /** The highest that was given. */
    readonly privateEnd: number
    readonly broadcast: number
  }
}

export interface PendingMessage {
  readonly id: string
  readonly log: PageEntry['log']
  readonly topic: string
  readonly payload?: string
  readonly payloadBase64?: string
  readonly bytes: number
  readonly storedAt: string
  readonly expiresAt: string
  readonly retain: boolean
  readonly receipt: boolean
  readonly collapseKey: string | null
}

export interface PendingMessages {
  readonly messages: readonly PendingMessage[]
  readonly more: boolean
}

type By = Pick<Caller, 'provider'>

/** @throws TOKEN_UNKNOWN, APP_FORBIDDEN, STORE_UNAVAILABLE */
export interface Inspections {
  token(tokenId: string, caller: By): Promise<InspectedToken>
  /** The first ones that the device has not acknowledged. To look changes nothing. */
  messages(tokenId: string, limit: number, caller: By): Promise<PendingMessages>
}

export function createInspections({ store, accounts, pages, now }: InspectContext): Inspections {
  return {
    async token(tokenId, { provider }) {
      if (!isTokenId(tokenId)) throw new PushError('TOKEN_UNKNOWN')
      const [found] = await Promise.all([store.inspectToken(tokenId), accounts.refresh()])
      const known = allowed(found, provider)
      const { app, session, pending, privateEnd, cursors, details } = known
      const state = stateOf(known, accounts.isRevoked({ app, ...details }), now())
      return {
        app,
        ...listed(tokenId, known, state),
        session,
        pending,
        cursors: { private: cursors.private, privateEnd, broadcast: cursors.broadcast },
      }
    },

    async messages(tokenId, limit, { provider }) {
      if (!isTokenId(tokenId)) throw new PushError('TOKEN_UNKNOWN')
      const record = allowed(await store.lookupToken(tokenId), provider)
      const { app, details } = record
      const version = details.version === '' ? {} : { version: details.version }
      const owner = { device: { tokenId, app, ...version }, record }
      const { entries, more } = await pages.read(owner, limit, undefined, false)
      const topics = { private: privateTopic(app, tokenId), broadcast: broadcastTopic(app, details.version) }
      return { messages: entries.map(({ log, entry }) => pendingMessage(log, entry, topics[log])), more }
    },
  }
}

function allowed<T extends { readonly app: string }>(found: T | undefined, provider: Provider): T {
  if (found === undefined) throw new PushError('TOKEN_UNKNOWN')
  if (!mayActFor(provider, found.app)) throw new PushError('APP_FORBIDDEN')
  return found
}

function pendingMessage(log: PageEntry['log'], entry: PageEntry['entry'], topic: string): PendingMessage {
  const { id, payload, storedAt, expiresAt, retain, receipt = false, collapseKey = null } = entry
  return {
    id,
    log,
    topic,
    ...payloadOf(payload),
    bytes: payload.byteLength,
    storedAt: new Date(storedAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    retain,
    receipt,
    collapseKey,
  }
}
