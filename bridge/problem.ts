/** Error responses of the HTTP API: RFC 9457 problem details with a code of the catalogue. */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, PushError, type ErrorCode } from '../errors.ts'
import { known } from './calls/call.ts'
import { ENCODINGS } from './json-body.ts'
import { fromValidation } from './validation.ts'
import { CONTENT_ENCODING } from './web-push/told.ts'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail?: string
  /** Names the request in the log of the server. */
  readonly requestId: string
  /** Id of the message that was not accepted, so that it can be sent again under the same id. */
  readonly id?: string
}

export const PROBLEM_TYPE = 'application/problem+json'

/** Seconds, for a client that is told to come back. */
const RETRY_AFTER = 1

function problemOf(error: PushError, requestId: string): Problem {
  const { messageId: id } = error
  return {
    type: `urn:aedes-push:error:${error.code}`,
    title: ERRORS[error.code].title,
    status: error.status,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    requestId,
    ...(id === undefined ? {} : { id }),
  }
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, error: PushError): FastifyReply {
  reply.code(error.status).type(PROBLEM_TYPE)
  if (error.status === 401) void reply.header('www-authenticate', challenge(error.code))
  // RFC 9110 section 15.5.16
  if (error.code === 'CONTENT_ENCODING_UNSUPPORTED') void reply.header('accept-encoding', ENCODINGS.join(', '))
  if (error.code === 'WEB_PUSH_ENCODING') void reply.header('accept-encoding', CONTENT_ENCODING)
  const isTemporary = error.status === 503 || error.status === 429 || error.code === 'TOKEN_NOT_YET_VALID'
  if (isTemporary && !reply.hasHeader('retry-after')) void reply.header('retry-after', error.retryAfter ?? RETRY_AFTER)
  return reply.send(problemOf(error, request.id))
}

/** The answer to an upgrade that is refused. */
export function refuseUpgrade(socket: Duplex, error: unknown, requestId: string, log: FastifyBaseLogger): void {
  if (!(error instanceof PushError)) log.error({ err: error, requestId }, 'upgrade failed')
  answerSocket(socket, error instanceof PushError ? error : new PushError('INTERNAL'), requestId)
}

/** How long a client may take to read such an answer, ms. */
const LINGER_MS = 2_000

/** An answer where there is no request to answer: HTTP that is none, or an upgrade that is refused. It is the last one. */
export function answerSocket(socket: Duplex, error: PushError, requestId: string): void {
  const body = JSON.stringify(problemOf(error, requestId))
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  endSocket(socket, `${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Closes with these last words. */
export function endSocket(socket: Duplex, words = ''): void {
  if (!socket.writableEnded) socket.end(words)
  // To close with input unread would reset the connection, and the answer might not arrive: read on, into nothing.
  socket.resume()
  const linger = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(linger))
}

/** RFC 6750 section 3: a request without credentials is told no error; nor is one whose token need not be replaced. */
function challenge(code: ErrorCode): string {
  // RFC 8292 section 3
  if (code === 'VAPID_MISSING') return 'vapid'
  return code === 'CREDENTIALS_MISSING' || code === 'TOKEN_NOT_YET_VALID'
    ? 'Bearer realm="aedes-push"'
    : 'Bearer realm="aedes-push", error="invalid_token"'
}

/** The error handler of the whole API. Only what is our own fault is logged. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(request, reply, fromFastify(error) ?? known(error, request.log))
}

function fromFastify(error: unknown): PushError | undefined {
  if (!(error instanceof Error) || error instanceof PushError) return undefined
  const { code, validation, validationContext, statusCode = 500 } = error as FastifyError
  if (validation !== undefined) return fromValidation(validation, validationContext ?? 'body')
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new PushError('BODY_TOO_LARGE')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new PushError('MEDIA_TYPE_UNSUPPORTED')
  // What is left below 500 is about the form of the request line or its headers.
  return statusCode >= 400 && statusCode < 500
    ? new PushError('REQUEST_INVALID', 'the request line or a header')
    : undefined
}
