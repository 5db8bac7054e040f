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
    description: '`superseded`: another account is logged in to this app on this device',
  },
  version: { anyOf: [{ type: 'string' }, { type: 'null' }], examples: ['2.1.0'] },
  tags: { type: 'array', items: { type: 'string' }, examples: [['beta']] },
  lastSeen: {
    anyOf: [timeSchema('Last time a token was issued, or the device connected or disconnected'), { type: 'null' }],
  },
  expiresAt: timeSchema('When its newest token expires'),
}

const tokenSchema = { type: 'object', required: Object.keys(tokenProperties), properties: tokenProperties }

const answerSchema = answer('Token ids, in no order that means anything', {
  tokens: { type: 'array', items: tokenSchema },
  cursor: {
    anyOf: [{ type: 'string' }, { type: 'null' }],
    description: '`cursor` for the next page, which may be short or empty; null: this is the last page',
  },
})

export function listTokens(api: FastifyInstance, context: { listTokens: ListTokens; guard: Guard }): void {
  const { guard } = context
  const schema = {
    operationId: 'listTokens',
    summary: 'List token ids',
    description:
      'For an account, the token ids that are logged in. The server does not store names of devices and accounts.',
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
