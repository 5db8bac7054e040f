/** `GET /v1/overview`: how the server does. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import type { ReadOverview } from '../overview/overview.ts'
import { answer, noQuery, problems, PROVIDER_ERRORS, timeSchema } from '../schemas.ts'

const count = (description: string) => ({ type: 'integer', description })
const all = (properties: Readonly<Record<string, object>>, description = '') => ({
  type: 'object',
  ...(description === '' ? {} : { description }),
  required: Object.keys(properties),
  properties,
})

const overviewSchema = answer('How the server does', {
  at: timeSchema('When it was so'),
  version: { type: 'string', examples: ['0.1.0'] },
  server: { type: 'string', description: 'That answers; another one counts for itself', examples: ['push-1:8080'] },
  connections: all({ device: count(''), provider: count(''), user: count('') }, 'Open over MQTT, by whose they are'),
  totals: all(
    {
      accepted: count('Messages of publishers'),
      duplicates: count('Whose id was accepted before'),
      rejected: count('Refused'),
      delivered: count('Given to devices, again and again included'),
      redelivered: count('With DUP'),
      acknowledged: count('By devices'),
      expired: count('Unacknowledged'),
      dropped: count('From a full log'),
      upstream: count('From devices'),
      refusedConnects: count('CONNECT packets'),
      disconnects: count('By the server'),
    },
    'Since the server started',
  ),
  latency: all(
    {
      count: count('Live deliveries'),
      buckets: {
        type: 'array',
        description: 'Seconds, and how many took no longer',
        items: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
      },
    },
    'From stored to written to the device, since the server started',
  ),
  pendingWakes: count('Devices whose drain waits for the store'),
  nodes: count('That share the store; 0: the store does not say'),
  store: all({
    engine: { type: 'string', enum: ['embedded', 'redis'] },
    ready: { type: 'boolean' },
    warnings: { type: 'array', items: { type: 'string' }, description: 'What is wrong, or puts a promise at risk' },
  }),
})

export function showOverview(api: FastifyInstance, { read, guard }: { read: ReadOverview; guard: Guard }): void {
  const schema = {
    operationId: 'getOverview',
    summary: 'How the server does',
    description: 'Numbers of the server that answers, with all of its processes; `/metrics` has more of them.',
    tags: ['server'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    response: { 200: overviewSchema, ...problems(...PROVIDER_ERRORS) },
  }
  api.get('/v1/overview', { onRequest: guard.provider('server:read'), schema }, async (request) => read(request.log))
}
