/** `/v1/messages/{id}/status` and `/recall`: what happened to a message, and taking it back. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import {
  followSchema,
  messageIdParams,
  statusQuerySchema,
  type FollowTarget,
  type MessageStatusOf,
  type RecallMessage,
} from '../calls/follow-message.ts'
import type { HttpLimits } from '../limits.ts'
import { answer, BODY_ERRORS, messageIdSchema, noQuery, problems, PROVIDER_ERRORS, timeSchema } from '../schemas.ts'

interface FollowRouteContext {
  readonly messageStatus: MessageStatusOf
  readonly recallMessage: RecallMessage
  readonly guard: Guard
  readonly limits: HttpLimits
}

interface ById {
  Params: { id: string }
}

const ERRORS = [
  ...PROVIDER_ERRORS,
  'NAME_INVALID',
  'APP_FORBIDDEN',
  'TOKEN_UNKNOWN',
  'ACCOUNT_UNKNOWN',
  'MESSAGE_UNKNOWN',
  'STORE_UNAVAILABLE',
] as const

const stateSchema = {
  type: 'string',
  enum: ['pending', 'acknowledged', 'sent', 'expired', 'dropped', 'replaced', 'recalled', 'purged'],
  description:
    '`sent`: delivered with QoS 0, without acknowledgement. `dropped`: too many messages were pending. `replaced`: by a message with the same collapse key. `purged`: together with its token',
}

const times = {
  storedAt: timeSchema('When the server accepted it'),
  expiresAt: timeSchema('When it expires'),
}

const counts = {
  acknowledged: { type: 'integer', description: 'Number of devices that acknowledged it' },
  sent: { type: 'integer', description: 'Number of devices that received it with QoS 0' },
  approximate: {
    type: 'boolean',
    const: true,
    description: 'The counts are written once a second and may be slightly low',
  },
}

const token = { type: 'string', description: 'As in the request; for an account, a token id' }
const app = { type: 'string', examples: ['chat'] }
const mayHaveBeenSeen = {
  type: 'boolean',
  description: 'False only if it is certain that no connection or lookup received it',
}

const rejectedSchema = {
  type: 'array',
  description: 'Receivers that the message is unknown for',
  items: {
    type: 'object',
    required: ['token', 'code'],
    properties: { token, code: { type: 'string', examples: ['MESSAGE_UNKNOWN'] } },
  },
}

/** Of one receiver or of a broadcast. */
function states(ofDevice: Record<string, object>, ofBroadcast: Record<string, object>) {
  const branch = (title: string, properties: Record<string, object>) => ({
    title,
    type: 'object',
    required: Object.keys(properties),
    properties,
  })
  const items = {
    oneOf: [branch('For a device', { token, ...ofDevice }), branch('For a broadcast', { app, ...ofBroadcast })],
  }
  return { type: 'array', items }
}

export function followMessages(api: FastifyInstance, context: FollowRouteContext): void {
  statusOfOne(api, context)
  statusOfMany(api, context)
  recall(api, context)
}

function statusOfOne(api: FastifyInstance, { messageStatus, guard }: FollowRouteContext): void {
  const one = answer('What became of it', { id: messageIdSchema('Of the message'), state: stateSchema, ...times })
  const schema = {
    operationId: 'getMessageStatus',
    summary: 'Get the status of a message for one receiver',
    description:
      'Available while the id is remembered: for an id set by the provider, a day or until the message expires, whichever is later; for a generated id, while the message is pending.',
    tags: ['messages'],
    security: [{ providerKey: [] }],
    params: messageIdParams,
    querystring: statusQuerySchema,
    response: {
      200: { ...one, properties: { ...one.properties, ...counts } },
      ...problems(...ERRORS),
    },
  }
  api.get<ById & { Querystring: { token?: string; app?: string } }>(
    '/v1/messages/:id/status',
    { onRequest: guard.provider('messages:read'), schema },
    async (request) => {
      const caller = { provider: guard.providerOf(request), log: request.log }
      const { id, states } = await messageStatus(request.params.id, request.query, caller)
      // There is one, or a refusal.
      const { token: _token, app: _app, ...known } = { token: undefined, app: undefined, ...states[0] }
      return { id, ...known }
    },
  )
}

function statusOfMany(api: FastifyInstance, { messageStatus, guard, limits }: FollowRouteContext): void {
  const schema = {
    operationId: 'getMessageStates',
    summary: 'Get the status of a message for each receiver',
    description:
      '`to` has the form of a send request; a broadcast needs only its app. If the only receiver does not know the message: 404.',
    tags: ['messages'],
    security: [{ providerKey: [] }],
    params: messageIdParams,
    querystring: noQuery,
    body: followSchema(limits),
    response: {
      200: answer('What is known', {
        id: messageIdSchema('Of the message'),
        states: states({ state: stateSchema, ...times }, { state: stateSchema, ...times, ...counts }),
        rejected: rejectedSchema,
      }),
      ...problems(...ERRORS, ...BODY_ERRORS, 'TOO_MANY_TOKENS'),
    },
  }
  api.post<ById & { Body: { to: FollowTarget } }>(
    '/v1/messages/:id/status',
    { onRequest: guard.provider('messages:read'), schema },
    async (request) => {
      const caller = { provider: guard.providerOf(request), log: request.log }
      return await messageStatus(request.params.id, request.body.to, caller)
    },
  )
}

function recall(api: FastifyInstance, { recallMessage, guard, limits }: FollowRouteContext): void {
  const schema = {
    operationId: 'recallMessage',
    summary: 'Recall a message',
    description:
      'The message is no longer delivered, and no longer retained. A second after the response, no node starts to deliver a broadcast. Devices that already received it keep it. Safe to repeat.',
    tags: ['messages'],
    security: [{ providerKey: [] }],
    params: messageIdParams,
    querystring: noQuery,
    body: followSchema(limits),
    response: {
      200: answer('What became of it', {
        id: messageIdSchema('Of the message'),
        states: states({ state: stateSchema, mayHaveBeenSeen }, { state: stateSchema, mayHaveBeenSeen }),
        rejected: rejectedSchema,
      }),
      ...problems(...ERRORS, ...BODY_ERRORS, 'TOO_MANY_TOKENS'),
    },
  }
  api.post<ById & { Body: { to: FollowTarget } }>(
    '/v1/messages/:id/recall',
    { onRequest: guard.provider('messages:send'), schema },
    async (request, reply) => {
      const caller = { provider: guard.providerOf(request), log: request.log }
      return reply.code(200).send(await recallMessage(request.params.id, request.body.to, caller))
    },
  )
}
