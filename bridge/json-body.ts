/** Reading a JSON body, with nothing let through that would change on the way. */
import { gunzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { PushError } from '../errors.ts'
import type { HttpLimits } from './limits.ts'

/** What a body may be compressed with; `x-gzip` is an old name of the same (RFC 9110 section 8.4.1.3). */
export const ENCODINGS: readonly string[] = ['gzip', 'x-gzip']

type Done = (error: Error | null, value?: unknown) => void

/**
 * Only `application/json`, only UTF-8. Names such as `__proto__` are data here: no object of a request is ever merged
 * into another one, and at places with a schema they are unknown fields.
 */
export function acceptJsonOnly(app: FastifyInstance, { bodyBytes }: HttpLimits): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity'
    // A DELETE has no body, yet clients that set the content type on everything are common.
    if (body.length === 0 && request.method === 'DELETE') done(null, undefined)
    else if (encoding === 'identity') parse(body as Buffer, done)
    else if (ENCODINGS.includes(encoding)) inflate(body as Buffer, bodyBytes, done)
    else done(new PushError('CONTENT_ENCODING_UNSUPPORTED'))
  })
  app.addHook('preValidation', async (request) => {
    const needsBody = request.routeOptions.schema?.body !== undefined
    if (needsBody && request.body === undefined) throw new PushError('JSON_INVALID', 'there is no body')
  })
}

/** A body counts as large as it is when inflated: no more than that is ever inflated. */
function inflate(body: Buffer, maximum: number, done: Done): void {
  gunzip(body, { maxOutputLength: maximum }, (error: NodeJS.ErrnoException | null, inflated) => {
    if (error === null) parse(inflated, done)
    else if (error.code === 'ERR_BUFFER_TOO_LARGE') done(new PushError('BODY_TOO_LARGE'))
    else done(new PushError('REQUEST_INVALID', 'the body is not the gzip that `Content-Encoding` says it is'))
  })
}

function parse(body: Buffer, done: Done): void {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // Without the parser's message, which would quote the body.
    done(new PushError('JSON_INVALID'))
    return
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) done(null, value)
  else done(new PushError('JSON_INVALID', 'not an object'))
}
