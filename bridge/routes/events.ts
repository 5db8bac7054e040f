/** `/v1/events`: what happened to messages and tokens, and what devices publish, for the provider that asks. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import type { ConsumerName, EventCalls, EventsQuery } from '../events/calls.ts'
import { DEFAULT_PAGE, LONGEST_PAGE, readValues } from '../query.ts'
import type { HttpLimits } from '../limits.ts'
import {
  answer,
  BODY_ERRORS,
  messageIdSchema,
  NAME,
  noQuery,
  problems,
  PROVIDER_ERRORS,
  timeSchema,
  tokenIdSchema,
} from '../schemas.ts'

interface EventsRouteContext {
  readonly events: EventCalls
  readonly guard: Guard
  readonly limits: HttpLimits
}

export const EVENT_ERRORS = [...PROVIDER_ERRORS, 'NAME_INVALID', 'APP_FORBIDDEN', 'STORE_UNAVAILABLE'] as const

export const appSchema = { type: 'string', examples: ['chat'] }
export const consumerSchema = {
  type: 'string',
  description: `Name of the consumer. Requests with the same name share one cursor; ${NAME}`,
  examples: ['billing'],
}

export const eventSchema = {
  type: 'object',
  required: ['type', 'id', 'app', 'at', 'eventId'],
  additionalProperties: true,
  properties: {
    type: { type: 'string', examples: ['message.acknowledged'] },
    id: messageIdSchema('Of the message; of an event of a token, the same as `eventId`'),
    tokenId: { ...tokenIdSchema, description: 'The device; absent for an event of the whole app' },
    app: appSchema,
    at: timeSchema('When it happened'),
    eventId: { type: 'string', description: 'Stays the same if the event is delivered again' },
    switchedFrom: { type: 'string', description: '`token.switched`: the token id of the previous account' },
    topic: { type: 'string', description: '`upstream`: the topic that the device published to' },
    payload: { type: 'string', description: '`upstream`: the payload, if it is UTF-8' },
    payloadBase64: {
      type: 'string',
      contentEncoding: 'base64',
      description: '`upstream`: the payload, if it is not UTF-8',
    },
  },
}

const answerSchema = answer('Events that are not acknowledged; empty when there are none, or none came while waiting', {
  events: { type: 'array', items: eventSchema, description: 'Events, in order for each token id' },
  cursor: { type: 'string', description: 'Acknowledges these events, and the earlier ones that `types` excludes' },
  missed: {
    type: 'integer',
    description: 'Number of events lost because the log was full; repeated until acknowledged',
  },
  more: { type: 'boolean', description: 'There are, or may be, more: acknowledge and request again' },
})

/** Which events, and whose. */
export const chosenEvents = {
  app: appSchema,
  consumer: consumerSchema,
  types: {
    type: 'string',
    description:
      'Comma-separated event types; `message.*` and `token.*` select all of a kind; absent: both. `upstream` selects what devices publish, and also needs the scope `messages:read`',
    examples: ['message.acknowledged,message.expired,token.*'],
  },
  from: {
    type: 'string',
    enum: ['earliest', 'latest'],
    default: 'earliest',
    description: 'Where a new consumer starts: at the stored events, or at new ones',
  },
}

const querySchema = (limits: HttpLimits) => ({
  type: 'object',
  additionalProperties: false,
  required: ['app', 'consumer'],
  properties: {
    ...chosenEvents,
    wait: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: `Seconds to wait if there are no events; at most ${limits.waitSeconds}`,
    },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: LONGEST_PAGE,
      default: DEFAULT_PAGE,
      description: 'Maximum number of events',
    },
  },
})

export function serveEvents(api: FastifyInstance, context: EventsRouteContext): void {
  readEvents(api, context)
  acknowledgeEvents(api, context)
  endConsumer(api, context)
}

function readEvents(api: FastifyInstance, { events, guard, limits }: EventsRouteContext): void {
  const schema = {
    operationId: 'readEvents',
    summary: 'Read events',
    description:
      'Does not acknowledge: the same events are returned until their cursor is acknowledged. The first request creates a consumer; it ends after seven days without a request.',
    tags: ['events'],
    security: [{ providerKey: [] }],
    querystring: querySchema(limits),
    response: { 200: answerSchema, ...problems(...EVENT_ERRORS) },
  }
  api.get<{ Querystring: EventsQuery }>(
    '/v1/events',
    { onRequest: guard.provider('events:read'), preValidation: readValues('limit', 'wait'), schema },
    async (request) => await events.read(request.query, guard.providerOf(request), request.signal),
  )
}

function acknowledgeEvents(api: FastifyInstance, { events, guard }: EventsRouteContext): void {
  const schema = {
    operationId: 'acknowledgeEvents',
    summary: 'Acknowledge events',
    description: 'The consumer does not receive them again. Safe to repeat.',
    tags: ['events'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['app', 'consumer', 'cursor'],
      properties: {
        app: appSchema,
        consumer: consumerSchema,
        cursor: { type: 'string', description: '`cursor` of a response to this consumer' },
      },
    },
    response: {
      204: { type: 'null', description: 'Acknowledged' },
      ...problems(...EVENT_ERRORS, ...BODY_ERRORS, 'CURSOR_INVALID', 'CONSUMER_UNKNOWN'),
    },
  }
  api.post<{ Body: ConsumerName & { cursor: string } }>(
    '/v1/events/ack',
    { onRequest: guard.provider('events:read'), schema },
    async (request, reply) => {
      await events.acknowledge(request.body, guard.providerOf(request))
      return reply.code(204).send(null)
    },
  )
}

function endConsumer(api: FastifyInstance, { events, guard }: EventsRouteContext): void {
  const schema = {
    operationId: 'endConsumer',
    summary: 'Delete a consumer of events',
    description: 'Nothing is kept for it any longer. Deleting an unknown consumer is not an error.',
    tags: ['events'],
    security: [{ providerKey: [] }],
    params: {
      type: 'object',
      additionalProperties: false,
      required: ['consumer'],
      properties: { consumer: consumerSchema },
    },
    querystring: { type: 'object', additionalProperties: false, required: ['app'], properties: { app: appSchema } },
    response: { 204: { type: 'null', description: 'Deleted' }, ...problems(...EVENT_ERRORS) },
  }
  api.delete<{ Params: { consumer: string }; Querystring: { app: string } }>(
    '/v1/events/consumers/:consumer',
    { onRequest: guard.provider('events:read'), schema },
    async (request, reply) => {
      const { consumer } = request.params
      await events.end({ app: request.query.app, consumer }, guard.providerOf(request))
      return reply.code(204).send(null)
    },
  )
}
