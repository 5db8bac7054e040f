/** `/v1/messages/stream`: what is pending for a device, and what comes, for as long as it listens; and tickets for that. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import { credentialOf } from '../bearer.ts'
import { messageSchema } from '../message-answer.ts'
import { answer, DEVICE_ERRORS, noQuery, problems, timeSchema } from '../schemas.ts'
import { STREAM_HEADERS } from '../streams/event-stream.ts'
import type { MessageStreams, Resumption } from '../streams/message-streams.ts'
import type { Tickets } from '../streams/tickets.ts'

interface StreamRouteContext {
  readonly guard: Guard
  readonly messageStreams: MessageStreams
  readonly tickets: Tickets
}

export const LAST_EVENT_ID = {
  lastEventId: {
    type: 'string',
    description:
      'The `id` of the last event received, for clients that cannot set the header `Last-Event-ID`, which takes precedence',
  },
  ack: {
    type: 'string',
    enum: ['auto'],
    description: 'Whether to acknowledge up to the last received event first; absent: the stream only starts after it',
  },
} as const

export interface ResumptionQuery {
  readonly lastEventId?: string
  readonly ack?: 'auto'
}

export function resumptionOf(query: ResumptionQuery, headers: IncomingHttpHeaders): Resumption {
  const header = headers['last-event-id']
  const lastEventId = typeof header === 'string' && header !== '' ? header : query.lastEventId
  return { lastEventId, acknowledges: query.ack === 'auto' }
}

export const streamAnswer = (description: string, schema: object) => ({
  description,
  content: { 'text/event-stream': { schema } },
})

const querySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ticket: { type: 'string', description: 'Instead of a message token, for EventSource, which cannot send headers' },
    ...LAST_EVENT_ID,
  },
}

export function streamMessages(api: FastifyInstance, { guard, messageStreams, tickets }: StreamRouteContext): void {
  const schema = {
    operationId: 'streamMessages',
    summary: 'Stream messages',
    description:
      'Server-Sent Events. The `data` of each is a message as a lookup returns it, and its `id` a cursor that acknowledges everything up to it. The last event has the type `end`, with the `code` of an error.',
    tags: ['messages'],
    security: [{ messageToken: [] }, { streamTicket: [] }],
    querystring: querySchema,
    response: {
      200: streamAnswer('Messages, until the client disconnects', messageSchema),
      ...problems(...DEVICE_ERRORS, 'TICKET_INVALID', 'CURSOR_INVALID'),
    },
  }
  api.get<{ Querystring: ResumptionQuery }>(
    '/v1/messages/stream',
    { onRequest: guard.stream, schema },
    async (request, reply) => {
      if (request.method === 'HEAD') return reply.headers(STREAM_HEADERS).send()
      await messageStreams.open(guard.deviceOf(request), resumptionOf(request.query, request.headers), reply)
      return reply
    },
  )
  issueTickets(api, { guard, tickets })
}

function issueTickets(api: FastifyInstance, { guard, tickets }: Pick<StreamRouteContext, 'guard' | 'tickets'>): void {
  const schema = {
    operationId: 'issueTicket',
    summary: 'Get a ticket for a message stream',
    description:
      'Valid for an hour, or until its token expires or is revoked. Use it instead of the token in a URL, because URLs are easier to leak than headers. An open stream outlives its ticket.',
    tags: ['messages'],
    security: [{ messageToken: [] }],
    querystring: noQuery,
    response: {
      201: answer('A ticket', {
        ticket: { type: 'string', description: 'For `?ticket=` of the stream' },
        expiresAt: timeSchema('When the ticket expires'),
      }),
      ...problems(...DEVICE_ERRORS),
    },
  }
  api.post('/v1/messages/stream', { onRequest: guard.device, schema }, async (request, reply) => {
    const { device } = guard.deviceOf(request)
    const { ticket, expiresAt } = tickets.issue(credentialOf(request), device.expiresAt)
    return reply.code(201).send({ ticket, expiresAt: new Date(expiresAt).toISOString() })
  })
}
