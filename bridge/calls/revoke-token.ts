/** Refuses every token issued so far under a token id: the call behind `DELETE /v1/tokens/{tokenId}`. */
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { isTokenId, mayActFor, type Provider } from '../../topics/index.ts'
import type { LongPolls } from '../long-polls.ts'
import { tokenIdSchema } from '../schemas.ts'
import type { Caller } from './call.ts'

interface RevokeContext {
  readonly store: Store
  readonly longPolls: LongPolls
}

/** @throws TOKEN_UNKNOWN, APP_FORBIDDEN, STORE_UNAVAILABLE */
export type RevokeToken = (tokenId: string, caller: Pick<Caller, 'provider'>) => Promise<void>

export const revokeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['tokenId'],
  properties: { tokenId: tokenIdSchema },
}

export function createRevokeToken({ store, longPolls }: RevokeContext): RevokeToken {
  return async (tokenId, { provider }) => {
    if (!isTokenId(tokenId)) throw new PushError('TOKEN_UNKNOWN')
    await checkScope(store, provider, tokenId)
    if (!(await store.revokeToken(tokenId))) throw new PushError('TOKEN_UNKNOWN')
    longPolls.recheck(tokenId)
  }
}

async function checkScope(store: Store, provider: Provider, tokenId: string): Promise<void> {
  if (provider.apps === 'all') return
  const record = await store.lookupToken(tokenId)
  if (record === undefined) throw new PushError('TOKEN_UNKNOWN')
  if (!mayActFor(provider, record.app)) throw new PushError('APP_FORBIDDEN')
}
