/** `DELETE /v1/tokens/{tokenId}`: refuses every token issued so far under a token id. */
import { Type } from 'typebox'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { isTokenId, mayActFor, type Provider } from '../../topics/index.ts'
import type { Guard } from '../authenticate.ts'
import type { Api } from '../fastify-app.ts'
import type { LongPolls } from '../long-polls.ts'
import { noQuery, problems, PROVIDER_ERRORS, tokenIdSchema } from '../schemas.ts'

export interface RevokeContext {
  readonly store: Store
  readonly guard: Guard
  readonly longPolls: LongPolls
}

export function revokeTokens(api: Api, { store, guard, longPolls }: RevokeContext): void {
  const schema = {
    operationId: 'revokeToken',
    summary: 'Revoke the tokens of a token id',
    description: 'Effective at once: a live connection is closed. What is pending stays for a token issued later.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    params: Type.Object({ tokenId: tokenIdSchema }, { additionalProperties: false }),
    response: {
      204: Type.Null({ description: 'Revoked' }),
      ...problems(...PROVIDER_ERRORS, 'TOKEN_UNKNOWN', 'APP_FORBIDDEN', 'STORE_UNAVAILABLE'),
    },
  }
  api.delete('/v1/tokens/:tokenId', { onRequest: guard.provider, schema }, async (request, reply) => {
    const { tokenId } = request.params
    if (!isTokenId(tokenId)) throw new PushError('TOKEN_UNKNOWN')
    await checkScope(store, guard.providerOf(request), tokenId)
    if (!(await store.revokeToken(tokenId))) throw new PushError('TOKEN_UNKNOWN')
    longPolls.recheck(tokenId)
    return reply.code(204).send(null)
  })
}

async function checkScope(store: Store, provider: Provider, tokenId: string): Promise<void> {
  if (provider.apps === 'all') return
  const record = await store.lookupToken(tokenId)
  if (record === undefined) throw new PushError('TOKEN_UNKNOWN')
  if (!mayActFor(provider, record.app)) throw new PushError('APP_FORBIDDEN')
}
