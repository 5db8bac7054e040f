/** `POST /v1/messages/ack`: a device has what a lookup gave it. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../../common/metrics.ts'
import type { BroadcastCounter } from '../../store/broadcast-counter.ts'
import type { Store } from '../../store/contract.ts'
import { standing } from '../../store/marks.ts'
import type { Guard } from '../authenticate.ts'
import { decodePageCursor } from '../page-cursor.ts'
import { BODY_ERRORS, DEVICE_ERRORS, noQuery, problems } from '../schemas.ts'

const DESTINATIONS = ['private', 'broadcast'] as const

const bodySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['cursor'],
  properties: { cursor: { type: 'string', description: 'From a lookup with this token' } },
}

interface Acknowledgement {
  Body: { cursor: string }
}

interface AcknowledgeContext {
  readonly store: Store
  readonly guard: Guard
  readonly metrics: Metrics
  readonly counts: Pick<BroadcastCounter, 'acknowledged'>
}

export function acknowledgeMessages(api: FastifyInstance, { store, guard, metrics, counts }: AcknowledgeContext): void {
  const schema = {
    operationId: 'acknowledgeMessages',
    summary: 'Acknowledge messages',
    description: 'Everything up to the cursor is not sent again, over HTTP or MQTT. Repeating it does no harm.',
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
    const { device, record } = guard.deviceOf(request)
    const { tokenId, version } = device
    const { taken, messages, expired, counted, ...cursor } = decodePageCursor(device, request.body.cursor)
    await store.commit([
      {
        tokenId,
        private: cursor.private,
        ...(version === undefined || cursor.broadcast === 0 ? {} : { passed: [[version, cursor.broadcast]] }),
        ...(taken.private.length + taken.broadcast.length > 0 ? { taken } : {}),
        ...(expired.length > 0 ? { passedAs: expired.map((offset) => [offset, 'expired'] as const) } : {}),
      },
    ])
    const before = {
      private: record.cursors.private,
      broadcast: version === undefined ? cursor.broadcast : standing(record.cursors, version),
    }
    for (const destination of DESTINATIONS) {
      // What was acknowledged before, here or over MQTT, is not counted again.
      const moved = Math.max(0, cursor[destination] - before[destination]) + taken[destination].length
      metrics.acknowledged.inc({ destination }, Math.min(moved, messages[destination]))
    }
    for (const offset of counted)
      if (offset > before.broadcast || taken.broadcast.includes(offset)) counts.acknowledged(device.app, offset)
    return reply.code(204).send(null)
  })
}
