/** `POST /v1/messages/ack`: a device has what a lookup gave it. */
import type { FastifyInstance } from 'fastify'
import type { Acknowledge } from '../acknowledge.ts'
import type { Guard } from '../authenticate.ts'
import { decodePageCursor } from '../page-cursor.ts'
import { BODY_ERRORS, DEVICE_ERRORS, noQuery, problems } from '../schemas.ts'

const bodySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['cursor'],
  properties: {
    cursor: {
      type: 'string',
      description: '`cursor` of a lookup with this token, or the `id` of an event of its stream',
    },
  },
}

interface Acknowledgement {
  Body: { cursor: string }
}

interface AcknowledgeContext {
  readonly guard: Guard
  readonly acknowledge: Acknowledge
}

export function acknowledgeMessages(api: FastifyInstance, { guard, acknowledge }: AcknowledgeContext): void {
  const schema = {
    operationId: 'acknowledgeMessages',
    summary: 'Acknowledge messages',
    description: 'Messages up to the cursor are not delivered again, over HTTP or MQTT. Safe to repeat.',
    tags: ['messages'],
    security: [{ messageToken: [] }],
    querystring: noQuery,
    body: bodySchema,
    response: {
      204: { type: 'null', description: 'Acknowledged' },
      ...problems(...DEVICE_ERRORS, ...BODY_ERRORS, 'CURSOR_INVALID'),
    },
  }
  api.post<Acknowledgement>('/v1/messages/ack', { onRequest: guard.device, schema }, async (request, reply) => {
    const known = guard.deviceOf(request)
    await acknowledge(known, decodePageCursor(known.device, request.body.cursor))
    return reply.code(204).send(null)
  })
}
