/** What is made once and sent often: compressed as the client takes it, and not at all where it has it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Variants } from './reference/documents.ts'

/** Also for HEAD, whose answer has the same header fields. */
export function sendVariant({ headers }: FastifyRequest, reply: FastifyReply, variants: Variants): FastifyReply {
  // A new version of the server, or another setting, makes another one.
  void reply.headers({ etag: variants.etag, 'cache-control': 'no-cache', vary: 'accept-encoding' })
  if (isKnown(headers['if-none-match'], variants.etag)) return reply.code(304).send()
  const encoding = (['br', 'gzip'] as const).find((each) => takes(headers['accept-encoding'], each))
  if (encoding === undefined) return reply.send(variants.plain)
  return reply.header('content-encoding', encoding).send(variants[encoding])
}

/** RFC 9110 section 13.1.2 */
function isKnown(header: string | undefined, etag: string): boolean {
  const known = (header ?? '').split(',').map((each) => each.trim())
  return known.includes('*') || known.includes(etag)
}

const TAKEN = {
  br: /(^|,)\s*br\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+\s*)?(,|$)/i,
  gzip: /(^|,)\s*(gzip|x-gzip)\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+\s*)?(,|$)/i,
} as const

/** RFC 9110 section 12.5.3: not where its weight is 0. */
function takes(header: string | readonly string[] | undefined, encoding: 'br' | 'gzip'): boolean {
  return TAKEN[encoding].test(String(header ?? ''))
}
