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
  at: timeSchema('Time of these figures'),
  version: { type: 'string', examples: ['0.1.0'] },
  server: {
    type: 'string',
    description: 'The server that answers; other servers are not included',
    examples: ['push-1:8080'],
  },
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
        description: 'Upper bound in seconds, and the number of values up to it',
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
    warnings: {
      type: 'array',
      items: { type: 'string' },
      description: 'Problems, and settings that put a guarantee at risk',
    },
  }),
})

export function showOverview(api: FastifyInstance, { read, guard }: { read: ReadOverview; guard: Guard }): void {
  const schema = {
    operationId: 'getOverview',
    summary: 'Overview of the server',
    description: 'Figures of the answering server, with all of its processes; `/metrics` has more.',
    tags: ['server'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    response: { 200: overviewSchema, ...problems(...PROVIDER_ERRORS) },
  }
  api.get('/v1/overview', { onRequest: guard.provider('server:read'), schema }, async (request) => read(request.log))
}
