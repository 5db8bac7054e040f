/** `GET /v1/events/stream`: events for the provider that listens. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import type { EventsQuery } from '../events/calls.ts'
import type { EventStreams } from '../events/event-streams.ts'
import { problems } from '../schemas.ts'
import { STREAM_HEADERS } from '../streams/event-stream.ts'
import { chosenEvents, EVENT_ERRORS, eventSchema } from './events.ts'
import { LAST_EVENT_ID, resumptionOf, streamAnswer, type ResumptionQuery } from './messages-stream.ts'

interface EventStreamRouteContext {
  readonly guard: Guard
  readonly eventStreams: EventStreams
}

const querySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['app', 'consumer'],
  properties: { ...chosenEvents, ...LAST_EVENT_ID },
}

export function streamEvents(api: FastifyInstance, { guard, eventStreams }: EventStreamRouteContext): void {
  const schema = {
    operationId: 'streamEvents',
    summary: 'Stream events',
    description:
      'Server-Sent Events. The `data` of each is an event as `GET /v1/events` returns it. In a batch, only the last event has an `id`: a cursor that acknowledges everything up to it. An event of type `missed` gives the number of events lost because the log was full. The last event has the type `end`, with the `code` of an error.',
    tags: ['events'],
    security: [{ providerKey: [] }],
    querystring: querySchema,
    response: {
      200: streamAnswer('Events, until the client disconnects', eventSchema),
      ...problems(...EVENT_ERRORS, 'CURSOR_INVALID'),
    },
  }
  api.get<{ Querystring: EventsQuery & ResumptionQuery }>(
    '/v1/events/stream',
    { onRequest: guard.provider('events:read'), schema },
    async (request, reply) => {
      if (request.method === 'HEAD') return reply.headers(STREAM_HEADERS).send()
      const { query, headers } = request
      const listener = { provider: guard.providerOf(request), look: guard.lookOf(request) }
      await eventStreams.open(query, listener, resumptionOf(query, headers), reply)
      return reply
    },
  )
}
