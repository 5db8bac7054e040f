/** `GET /openapi.json`: the description of all calls. */
import type { FastifyInstance } from 'fastify'
import type { Documents } from '../reference/documents.ts'
import { sendVariant } from '../variants.ts'

export function serveOpenApi(api: FastifyInstance, documents: () => Promise<Pick<Documents, 'openApi'>>): void {
  const schema = {
    operationId: 'openapi',
    summary: 'This document',
    tags: ['server'],
    security: [],
    response: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } } },
  }
  api.get('/openapi.json', { schema }, async (request, reply) => {
    void reply.header('content-type', 'application/json; charset=utf-8')
    return sendVariant(request, reply, (await documents()).openApi)
  })
}
