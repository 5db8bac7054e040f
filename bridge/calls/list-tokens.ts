/** Lists token ids of an app or an account: the call behind `GET /v1/tokens`. */
import type { Auth } from '../../auth/contract.ts'
import { PushError } from '../../errors.ts'
import type { Store, TokenRecord } from '../../store/contract.ts'
import { isAppName, isName, mayActFor } from '../../topics/index.ts'
import { DEFAULT_PAGE, LONGEST_PAGE, pageQuery } from '../query.ts'
import type { Accounts } from './accounts.ts'
import type { Caller } from './call.ts'

interface ListContext {
  readonly auth: Pick<Auth, 'accountMarkOf'>
  readonly store: Pick<Store, 'tokenPage' | 'lookupToken'>
  readonly accounts: Accounts
  readonly now: () => number
}

/** Values that `listSchema` takes. */
export interface ListQuery {
  readonly app: string
  readonly account?: string
  readonly limit?: number
  readonly cursor?: string
}

export type TokenState = 'current' | 'superseded' | 'revoked' | 'expired'

export interface ListedToken {
  readonly tokenId: string
  readonly state: TokenState
  readonly version: string | null
  readonly tags: readonly string[]
  /** When it was registered, or its session begun or ended, last. */
  readonly lastSeen: string | null
  readonly expiresAt: string
}

export interface TokenList {
  readonly tokens: readonly ListedToken[]
  /** Cursor of the next page; null: there is none. */
  readonly cursor: string | null
}

/** @throws NAME_INVALID, APP_FORBIDDEN, REQUEST_INVALID, STORE_UNAVAILABLE */
export type ListTokens = (query: ListQuery, caller: Pick<Caller, 'provider'>) => Promise<TokenList>

const CURSOR = /^[A-Za-z0-9_-]{1,256}$/

export const listSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['app'],
  properties: {
    app: { type: 'string', examples: ['chat'] },
    account: { type: 'string', description: 'Only token ids of this account', examples: ['ann'] },
    ...pageQuery(DEFAULT_PAGE, LONGEST_PAGE),
  },
}

export function createListTokens(context: ListContext): ListTokens {
  return async (query, { provider }) => {
    const { app, account, limit = DEFAULT_PAGE } = query
    if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`')
    if (account !== undefined && !isName(account)) throw new PushError('NAME_INVALID', '`account`')
    if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
    const after = query.cursor === undefined ? undefined : decode(query.cursor)
    return account === undefined
      ? await ofApp(context, app, after, limit)
      : await ofAccount(context, app, account, after, limit)
  }
}

async function ofAccount(
  { auth, accounts, store, now }: ListContext,
  app: string,
  account: string,
  after: string | undefined,
  limit: number,
): Promise<TokenList> {
  const noted = await accounts.devicesOf(app, auth.accountMarkOf(app, account))
  const ids = noted.map(({ tokenId }) => tokenId).toSorted()
  const page = ids.filter((id) => after === undefined || id > after).slice(0, limit)
  const records = await Promise.all(page.map((id) => store.lookupToken(id)))
  const tokens: ListedToken[] = []
  for (const [position, tokenId] of page.entries()) {
    const record = records[position]
    const state = record && stateOf(record, false, now())
    if (record !== undefined && (state === 'current' || state === 'expired'))
      tokens.push(listed(tokenId, record, state))
  }
  const last = page.at(-1)
  return { tokens, cursor: last === undefined || last === ids.at(-1) ? null : encode(last) }
}

/** Those of all apps lie together: a page may be short, and there is more while it has a cursor. */
async function ofApp(
  { accounts, store, now }: ListContext,
  app: string,
  after: string | undefined,
  limit: number,
): Promise<TokenList> {
  const [page] = await Promise.all([store.tokenPage(after, limit, app), accounts.refresh()])
  const tokens = page.tokens.map(({ registration, ...known }) => {
    const record = { ...known, expiresAt: registration.expiresAt }
    const isRevoked = accounts.isRevoked({ app, ...known.details })
    return listed(registration.tokenId, record, stateOf(record, isRevoked, now()))
  })
  return { tokens, cursor: page.next === undefined ? null : encode(page.next) }
}

type Known = Pick<TokenRecord, 'revoked' | 'current' | 'expiresAt' | 'lastSeen' | 'details'>

/** `isRevoked`: with all of its account or app. */
export function stateOf({ revoked, current, expiresAt }: Known, isRevoked: boolean, now: number): TokenState {
  if (revoked || isRevoked) return 'revoked'
  if (!current) return 'superseded'
  return expiresAt > now ? 'current' : 'expired'
}

export function listed(tokenId: string, { details, lastSeen, expiresAt }: Known, state: TokenState): ListedToken {
  return {
    tokenId,
    state,
    version: details.version === '' ? null : details.version,
    tags: details.tags,
    lastSeen: lastSeen === 0 ? null : new Date(lastSeen).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  }
}

function encode(position: string): string {
  return Buffer.from(position).toString('base64url')
}

/** @throws REQUEST_INVALID */
function decode(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString()
  if (!CURSOR.test(cursor) || encode(position) !== cursor) throw new PushError('REQUEST_INVALID', '`cursor`')
  return position
}
