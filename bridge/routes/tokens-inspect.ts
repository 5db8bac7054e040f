/** `GET /v1/tokens/{tokenId}` and its messages: what is known of one token id, and what waits for it. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import type { Inspections } from '../calls/inspect-token.ts'
import { revokeSchema } from '../calls/revoke-token.ts'
import type { HttpLimits } from '../limits.ts'
import { readValues } from '../query.ts'
import { answer, messageIdSchema, noQuery, problems, PROVIDER_ERRORS, timeSchema } from '../schemas.ts'
import { tokenProperties } from './tokens-list.ts'

interface InspectRouteContext {
  readonly inspections: Inspections
  readonly guard: Guard
  readonly limits: HttpLimits
}

interface ById {
  Params: { tokenId: string }
}

const USUAL = 20
const ERRORS = [...PROVIDER_ERRORS, 'TOKEN_UNKNOWN', 'APP_FORBIDDEN', 'STORE_UNAVAILABLE'] as const

const inspectedSchema = answer('What is known of it', {
  app: { type: 'string', examples: ['chat'] },
  ...tokenProperties,
  session: {
    type: 'string',
    enum: ['connected', 'kept', 'none'],
    description:
      'Connected over MQTT; kept for its return; none. One whose node died is taken for connected for up to ten minutes',
  },
  pending: {
    type: 'object',
    description: 'In its private log; some may have expired a moment ago',
    required: ['messages', 'bytes'],
    properties: { messages: { type: 'integer' }, bytes: { type: 'integer', description: 'Of their payloads' } },
  },
  cursors: {
    type: 'object',
    description: 'Up to which offsets it has acknowledged',
    required: ['private', 'privateEnd', 'broadcast'],
    properties: {
      private: { type: 'integer' },
      privateEnd: { type: 'integer', description: 'The highest one that a private message was given' },
      broadcast: { type: 'integer' },
    },
  },
})

const messagesSchema = answer('What the device has not acknowledged', {
  messages: {
    type: 'array',
    description: 'Oldest first',
    items: {
      type: 'object',
      required: ['id', 'log', 'topic', 'bytes', 'storedAt', 'expiresAt', 'retain', 'receipt', 'collapseKey'],
      properties: {
        id: messageIdSchema('Of the message'),
        log: { type: 'string', enum: ['private', 'broadcast'] },
        topic: { type: 'string', examples: ['chat/2.1.0'] },
        payload: { type: 'string', description: 'When the bytes are UTF-8' },
        payloadBase64: { type: 'string', contentEncoding: 'base64', description: 'When they are not' },
        bytes: { type: 'integer', description: 'Of the payload' },
        storedAt: timeSchema('When the server accepted it'),
        expiresAt: timeSchema('When it is no longer sent'),
        retain: { type: 'boolean' },
        receipt: { type: 'boolean', description: 'An event tells of its end' },
        collapseKey: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      },
    },
  },
  more: { type: 'boolean', description: 'There are, or may be, others behind them' },
})

export function inspectTokens(api: FastifyInstance, { inspections, guard, limits }: InspectRouteContext): void {
  const one = {
    operationId: 'getToken',
    summary: 'What is known of a token id',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    params: revokeSchema,
    querystring: noQuery,
    response: { 200: inspectedSchema, ...problems(...ERRORS) },
  }
  api.get<ById>(
    '/v1/tokens/:tokenId',
    { onRequest: guard.provider('tokens:read'), schema: one },
    async (request) => await inspections.token(request.params.tokenId, { provider: guard.providerOf(request) }),
  )

  const usual = Math.min(USUAL, limits.lookupMessages)
  const messages = {
    operationId: 'getPendingMessages',
    summary: 'What is pending for a token id',
    description: 'To look changes nothing: what is pending stays so, and a recall does not take it for seen.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    params: revokeSchema,
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        limit: { type: 'integer', minimum: 1, maximum: limits.lookupMessages, default: usual, description: 'At most' },
      },
    },
    response: { 200: messagesSchema, ...problems(...ERRORS) },
  }
  api.get<ById & { Querystring: { limit?: number } }>(
    '/v1/tokens/:tokenId/messages',
    { onRequest: guard.provider('messages:read'), preValidation: readValues('limit'), schema: messages },
    async (request) => {
      const { limit = usual } = request.query
      return await inspections.messages(request.params.tokenId, limit, { provider: guard.providerOf(request) })
    },
  )
}
