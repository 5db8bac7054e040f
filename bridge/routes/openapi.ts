/** `GET /openapi.json`: the description of all calls. */
import type { FastifyInstance } from 'fastify'

export function serveOpenApi(api: FastifyInstance): void {
  const schema = {
    operationId: 'openapi',
    summary: 'This document',
    tags: ['server'],
    security: [],
    response: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } } },
  }
  api.get('/openapi.json', { schema }, async () => api.swagger())
}
