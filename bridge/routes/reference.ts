/** `GET /docs`: the description of all calls, for people. */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Documents } from '../reference/documents.ts'
import { STYLE } from '../reference/style.ts'
import { sendVariant } from '../variants.ts'

/** Its own style, and nothing else: no script, no other address, no frame around it. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

export function serveReference(api: FastifyInstance, documents: () => Promise<Pick<Documents, 'page'>>): void {
  api.get('/docs', { schema: { hide: true } }, async (request, reply) => {
    const { page } = await documents()
    return sendVariant(request, reply.headers(HEADERS), page)
  })
}
