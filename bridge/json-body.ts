/** Reads a JSON body, and refuses anything that would change by parsing. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { isUint8Array } from 'node:util/types'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { PushError } from '../errors.ts'
import type { HttpLimits } from './limits.ts'

/** What a body may be compressed with; `x-gzip` is an old name of the same (RFC 9110 section 8.4.1.3). */
export const ENCODINGS: readonly string[] = ['gzip', 'x-gzip']

declare module 'fastify' {
  interface FastifyContextConfig {
    /** No body is an empty object. */
    readonly mayHaveNoBody?: boolean
  }
}

type Done = (error: Error | null, value?: unknown) => void

/**
 * Only `application/json`, only UTF-8. Names such as `__proto__` are data here: no object of a request is ever merged
 * into another one, and at places with a schema they are unknown fields.
 */
export function acceptJsonOnly(app: FastifyInstance, { bodyBytes }: HttpLimits): void {
  const readBefore = takeBodiesReadBefore(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (readBefore.has(request)) return takeReadBody(readBefore.get(request), request.method, done)
    const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity'
    // A DELETE has no body, yet clients that set the content type on everything are common.
    if (body.length === 0 && request.method === 'DELETE') done(null, undefined)
    else if (encoding === 'identity') parse(body as Buffer, done)
    else if (ENCODINGS.includes(encoding)) inflate(body as Buffer, bodyBytes, done)
    else done(new PushError('CONTENT_ENCODING_UNSUPPORTED'))
  })
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.body !== undefined) return done()
    const { schema, config } = request.routeOptions
    if (schema?.body === undefined) return done()
    if (config.mayHaveNoBody !== true) throw new PushError('JSON_INVALID', 'there is no body')
    request.body = {}
    done()
  })
}

/**
 * A program that mounts the API may have read the body first, as `express.json()` does: the stream has ended then, and
 * nothing more would ever come of it. What was read is `body` of the request, parsed or not, and no longer compressed.
 */
function takeBodiesReadBefore(app: FastifyInstance): WeakMap<FastifyRequest, unknown> {
  const bodies = new WeakMap<FastifyRequest, unknown>()
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const { readableEnded, headers, body } = request.raw as IncomingMessage & { readonly body?: unknown }
    if (!readableEnded) return done(null, payload)
    const length = Number(headers['content-length'] ?? 0)
    const wasEmpty = length === 0 && headers['transfer-encoding'] === undefined
    if (body !== undefined || !wasEmpty) bodies.set(request, body)
    // Fastify holds this against Content-Length, and that against its limit.
    done(null, Object.assign(Readable.from([]), { receivedEncodedLength: length }))
  })
  return bodies
}

function takeReadBody(body: unknown, method: string, done: Done): void {
  const isEmpty = (isUint8Array(body) || typeof body === 'string') && body.length === 0
  if (isEmpty && method === 'DELETE') done(null, undefined)
  else if (isUint8Array(body)) parse(body, done)
  else if (typeof body === 'string') parse(Buffer.from(body), done)
  else if (body === undefined) done(new Error('the body was read before, and `body` of the request does not hold it'))
  else takeObject(body, done)
}

/** A body counts as large as it is when inflated: no more than that is ever inflated. */
function inflate(body: Buffer, maximum: number, done: Done): void {
  gunzip(body, { maxOutputLength: maximum }, (error: NodeJS.ErrnoException | null, inflated) => {
    if (error === null) parse(inflated, done)
    else if (error.code === 'ERR_BUFFER_TOO_LARGE') done(new PushError('BODY_TOO_LARGE'))
    else done(new PushError('REQUEST_INVALID', 'the body is not the gzip that `Content-Encoding` says it is'))
  })
}

function parse(body: Uint8Array, done: Done): void {
  let value: unknown
  try {
    value = JSON.parse(textOf(body))
  } catch {
    // Without the parser's message, which would quote the body.
    done(new PushError('JSON_INVALID'))
    return
  }
  takeObject(value, done)
}

/** A third of what a `TextDecoder` costs for a short body. @throws TypeError for what is no UTF-8 */
function textOf(body: Uint8Array): string {
  if (!isUtf8(body)) throw new TypeError('not UTF-8')
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return bytes.toString('utf8', hasMark ? 3 : 0)
}

function takeObject(value: unknown, done: Done): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) done(null, value)
  else done(new PushError('JSON_INVALID', 'not an object'))
}
