/** Revokes issued tokens: of one token id, of the requesting device, or all of an app or account. */
import type { Auth } from '../../auth/contract.ts'
import type { Audit } from '../../common/audit.ts'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import type { Revocations } from '../../store/revocations.ts'
import { isAppName, isName, isTokenId, mayActFor, type Device, type Provider } from '../../topics/index.ts'
import type { LongPolls } from '../long-polls.ts'
import { tokenIdSchema } from '../schemas.ts'
import type { Accounts } from './accounts.ts'
import { nameOfProvider, type Caller } from './call.ts'
import type { TokenEvents } from './token-events.ts'

interface RevokeContext {
  readonly auth: Pick<Auth, 'accountMarkOf'>
  readonly store: Store
  readonly revocations: Pick<Revocations, 'revoke'>
  readonly longPolls: LongPolls
  readonly accounts: Pick<Accounts, 'roomMade' | 'devicesOf'>
  readonly audit: Audit
  readonly tokenEvents: TokenEvents
}

/** @throws TOKEN_UNKNOWN, APP_FORBIDDEN, STORE_UNAVAILABLE */
export type RevokeToken = (tokenId: string, caller: Pick<Caller, 'provider'>) => Promise<void>

/**
 * A device logs out. `purge` drops what is pending for it.
 * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, STORE_UNAVAILABLE
 */
export type LogOut = (device: Device, purge: boolean) => Promise<void>

/** Values that `revokeAllSchema` takes. */
export interface RevokeAllBody {
  readonly app: string
  readonly account?: string
}

/** @throws NAME_INVALID, APP_FORBIDDEN, REVOCATIONS_LIMIT, STORE_UNAVAILABLE */
export type RevokeAll = (body: RevokeAllBody, caller: Pick<Caller, 'provider'>) => Promise<void>

export const revokeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['tokenId'],
  properties: { tokenId: tokenIdSchema },
}

export const revokeAllSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['app'],
  properties: {
    app: { type: 'string', description: 'The app whose tokens to revoke', examples: ['chat'] },
    account: { type: 'string', description: 'Only tokens of this account', examples: ['ann'] },
  },
}

export function createRevokeToken(context: RevokeContext): RevokeToken {
  const { store, longPolls, accounts, audit, tokenEvents } = context
  return async (tokenId, { provider }) => {
    if (!isTokenId(tokenId)) throw new PushError('TOKEN_UNKNOWN')
    const app = await appOf(store, provider, tokenId)
    if (!(await store.revokeToken(tokenId))) throw new PushError('TOKEN_UNKNOWN')
    longPolls.recheck(tokenId)
    accounts.roomMade()
    audit({ action: 'token.revoked', by: nameOfProvider(provider), app, tokenId })
    await tokenEvents.tell([{ type: 'token.revoked', app, tokenId }])
  }
}

export function createLogOut({ store, longPolls, accounts, audit, tokenEvents }: RevokeContext): LogOut {
  return async ({ tokenId, generation, app }, purge) => {
    await store.revokeToken(tokenId, { generation, purge })
    longPolls.recheck(tokenId)
    accounts.roomMade()
    audit({ action: 'token.revoked', by: `device ${tokenId}`, app, tokenId })
    await tokenEvents.tell([{ type: 'token.revoked', app, tokenId }])
  }
}

export function createRevokeAll(context: RevokeContext): RevokeAll {
  const { auth, revocations, accounts, audit, tokenEvents } = context
  return async ({ app, account }, { provider }) => {
    if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`')
    if (account !== undefined && !isName(account)) throw new PushError('NAME_INVALID', '`account`')
    if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
    const accountMark = account === undefined ? undefined : auth.accountMarkOf(app, account)
    // Afterwards none of them is logged in.
    const noted = accountMark === undefined ? [] : await tokenEvents.known(accounts.devicesOf(app, accountMark))
    await revocations.revoke(app, accountMark)
    accounts.roomMade()
    audit({ action: 'tokens.revoked', by: nameOfProvider(provider), app, accountMark })
    const tokenIds = accountMark === undefined ? [undefined] : noted.map(({ tokenId }) => tokenId)
    await tokenEvents.tell(tokenIds.map((tokenId) => ({ type: 'token.revoked', app, tokenId })))
  }
}

async function appOf(store: Store, provider: Provider, tokenId: string): Promise<string> {
  const record = await store.lookupToken(tokenId)
  if (record === undefined) throw new PushError('TOKEN_UNKNOWN')
  if (!mayActFor(provider, record.app)) throw new PushError('APP_FORBIDDEN')
  return record.app
}
