/** `GET /metrics`: what the server counts, for Prometheus. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../../common/metrics.ts'
import { problems } from '../schemas.ts'

export function exposeMetrics(api: FastifyInstance, { registry }: Metrics, text = () => registry.metrics()): void {
  const schema = {
    operationId: 'metrics',
    summary: 'Metrics for Prometheus',
    tags: ['server'],
    security: [],
    response: {
      200: { description: 'Prometheus text format', content: { 'text/plain': { schema: { type: 'string' } } } },
      ...problems(),
    },
  }
  api.get('/metrics', { schema }, async (_request, reply) => {
    return reply.type(registry.contentType).send(await text())
  })
}
