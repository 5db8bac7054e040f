/** `GET /docs`: the description of all calls, for people. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import type { ApiDocument } from '../reference/document.ts'
import { referencePage } from '../reference/page.ts'
import { STYLE } from '../reference/style.ts'

const hashOf = (text: string) => createHash('sha256').update(text)

/** Its own style, and nothing else: no script, no other address, no frame around it. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hashOf(STYLE).digest('base64')}'`,
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
  // A new version of the server, or another setting, makes another page.
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
} as const

interface Page {
  readonly plain: Buffer
  readonly compressed: Buffer
  readonly etag: string
}

export function serveReference(api: FastifyInstance): void {
  let page: Page | undefined
  api.get('/docs', { schema: { hide: true } }, async ({ headers }, reply) => {
    // At the first request: most processes never need it.
    page ??= makePage(JSON.parse(JSON.stringify(api.swagger())))
    void reply.headers(HEADERS).header('etag', page.etag)
    if (isKnown(headers['if-none-match'], page.etag)) return reply.code(304).send()
    if (!takesGzip(headers['accept-encoding'])) return reply.send(page.plain)
    return reply.header('content-encoding', 'gzip').send(page.compressed)
  })
}

function makePage(document: ApiDocument): Page {
  const plain = Buffer.from(referencePage(document))
  // Weak (RFC 9110 section 8.8.1): compressed or not, it is the same page.
  const etag = `W/"${hashOf(plain.toString()).digest('base64url')}"`
  return { plain, compressed: gzipSync(plain, { level: 9 }), etag }
}

/** RFC 9110 section 13.1.2 */
function isKnown(header: string | undefined, etag: string): boolean {
  const known = (header ?? '').split(',').map((each) => each.trim())
  return known.includes('*') || known.includes(etag)
}

/** RFC 9110 section 12.5.3: not where its weight is 0. */
function takesGzip(header: string | readonly string[] | undefined): boolean {
  return /(^|,)\s*(gzip|x-gzip)\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+\s*)?(,|$)/i.test(String(header ?? ''))
}
