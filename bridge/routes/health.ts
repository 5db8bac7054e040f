/** `GET /healthz` and `GET /readyz`: is the process alive, and can it do its work. */
import type { FastifyInstance } from 'fastify'
import type { StoreHealth } from '../../store/contract.ts'
import { answer, problems } from '../schemas.ts'

export function reportHealth(api: FastifyInstance, ready: () => Promise<StoreHealth>): void {
  const live = {
    operationId: 'live',
    summary: 'Liveness',
    tags: ['server'],
    security: [],
    response: { 200: answer('Alive', { status: { const: 'live', type: 'string' } }) },
  }
  api.get('/healthz', { schema: live }, async () => ({ status: 'live' }))

  const readiness = {
    operationId: 'ready',
    summary: 'Readiness',
    tags: ['server'],
    security: [],
    response: {
      200: answer('Ready', {
        status: { const: 'ready', type: 'string' },
        warnings: {
          type: 'array',
          items: { type: 'string' },
          description: 'Settings that put a guarantee at risk',
        },
      }),
      ...problems('STORE_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE'),
    },
  }
  api.get('/readyz', { schema: readiness }, async () => {
    const { warnings } = await ready()
    return { status: 'ready', warnings: [...warnings] }
  })
}
