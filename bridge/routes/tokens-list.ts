/** `GET /v1/tokens`: what the registry knows of the token ids of an app, or of an account of it. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import { listSchema, type ListQuery, type ListTokens } from '../calls/list-tokens.ts'
import { answer, problems, PROVIDER_ERRORS, timeSchema, tokenIdSchema } from '../schemas.ts'
import { readValues } from '../query.ts'

export const tokenProperties = {
  tokenId: tokenIdSchema,
  state: {
    type: 'string',
    enum: ['current', 'superseded', 'revoked', 'expired'],
    description: 'Superseded: another account is logged in to this app on this device',
  },
  version: { anyOf: [{ type: 'string' }, { type: 'null' }], examples: ['2.1.0'] },
  tags: { type: 'array', items: { type: 'string' }, examples: [['beta']] },
  lastSeen: {
    anyOf: [timeSchema('Its token was issued, or it connected or left'), { type: 'null' }],
  },
  expiresAt: timeSchema('When its newest token ends'),
}

const tokenSchema = { type: 'object', required: Object.keys(tokenProperties), properties: tokenProperties }

const answerSchema = answer('Token ids, in no order that means anything', {
  tokens: { type: 'array', items: tokenSchema },
  cursor: {
    anyOf: [{ type: 'string' }, { type: 'null' }],
    description: 'Of the next page, which may be short or empty; null: this is the last one',
  },
})

export function listTokens(api: FastifyInstance, context: { listTokens: ListTokens; guard: Guard }): void {
  const { guard } = context
  const schema = {
    operationId: 'listTokens',
    summary: 'List token ids',
    description: 'Of an account, those that are logged in. Names of devices and accounts are not stored.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: listSchema,
    response: {
      200: answerSchema,
      ...problems(...PROVIDER_ERRORS, 'NAME_INVALID', 'APP_FORBIDDEN', 'STORE_UNAVAILABLE'),
    },
  }
  api.get<{ Querystring: ListQuery }>(
    '/v1/tokens',
    { onRequest: guard.provider('tokens:read'), preValidation: readValues('limit'), schema },
    async (request) => await context.listTokens(request.query, { provider: guard.providerOf(request) }),
  )
}
