/** `DELETE /v1/tokens/{tokenId}`: refuses every token issued so far under a token id. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import { revokeSchema, type RevokeToken } from '../calls/revoke-token.ts'
import { noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'

interface RevokeRouteContext {
  readonly revokeToken: RevokeToken
  readonly guard: Guard
}

export function revokeTokens(api: FastifyInstance, { revokeToken, guard }: RevokeRouteContext): void {
  const schema = {
    operationId: 'revokeToken',
    summary: 'Revoke the tokens of a token id',
    description: 'Effective at once: a live connection is closed. What is pending stays for a token issued later.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    params: revokeSchema,
    response: {
      204: { type: 'null', description: 'Revoked' },
      ...problems(...PROVIDER_ERRORS, 'TOKEN_UNKNOWN', 'APP_FORBIDDEN', 'STORE_UNAVAILABLE'),
    },
  }
  api.delete<{ Params: { tokenId: string } }>(
    '/v1/tokens/:tokenId',
    { onRequest: guard.provider('tokens:revoke'), schema },
    async (request, reply) => {
      await revokeToken(request.params.tokenId, { provider: guard.providerOf(request) })
      return reply.code(204).send(null)
    },
  )
}
