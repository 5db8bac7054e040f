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
      'Connected over MQTT; disconnected but kept; none. A session on a dead node counts as connected for up to ten minutes',
  },
  pending: {
    type: 'object',
    description: 'In the private log; some may have just expired',
    required: ['messages', 'bytes'],
    properties: { messages: { type: 'integer' }, bytes: { type: 'integer', description: 'Payload bytes' } },
  },
  cursors: {
    type: 'object',
    description: 'Acknowledged offsets',
    required: ['private', 'privateEnd', 'broadcast'],
    properties: {
      private: { type: 'integer' },
      privateEnd: { type: 'integer', description: 'The highest offset of a private message' },
      broadcast: { type: 'integer' },
    },
  },
})

const messagesSchema = answer('What the device has not acknowledged', {
  messages: {
    type: 'array',
    description: 'Messages, oldest first',
    items: {
      type: 'object',
      required: ['id', 'log', 'topic', 'bytes', 'storedAt', 'expiresAt', 'retain', 'receipt', 'collapseKey'],
      properties: {
        id: messageIdSchema('Of the message'),
        log: { type: 'string', enum: ['private', 'broadcast'] },
        topic: { type: 'string', examples: ['chat/2.1.0'] },
        payload: { type: 'string', description: 'The payload, if it is UTF-8' },
        payloadBase64: { type: 'string', contentEncoding: 'base64', description: 'The payload, if it is not UTF-8' },
        bytes: { type: 'integer', description: 'Payload bytes' },
        storedAt: timeSchema('When the server accepted it'),
        expiresAt: timeSchema('When it expires'),
        retain: { type: 'boolean' },
        receipt: { type: 'boolean', description: 'Its end will be an event' },
        collapseKey: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      },
    },
  },
  more: { type: 'boolean', description: 'There are, or may be, more' },
})

export function inspectTokens(api: FastifyInstance, { inspections, guard, limits }: InspectRouteContext): void {
  const one = {
    operationId: 'getToken',
    summary: 'Inspect a token id',
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
    summary: 'List what is pending for a token id',
    description: 'Changes nothing: the messages stay pending, and a recall does not count them as seen.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    params: revokeSchema,
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.lookupMessages,
          default: usual,
          description: 'Maximum number of messages',
        },
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
