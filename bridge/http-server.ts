/** The Node server under the HTTP API: its time-outs, and an owner for everything that it emits. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { PushError, type ErrorCode } from '../errors.ts'
import type { HttpLimits } from './limits.ts'
import { answerSocket } from './problem.ts'

/** Counts a connection until it closes, or closes it when there are too many. */
export type Admit = (socket: Socket) => void

export interface HttpServerOptions {
  readonly limits: HttpLimits
  readonly logger: FastifyBaseLogger
  readonly randomId: () => string
  readonly admit: Admit | undefined
}

/** How long a connection without a request is kept: longer than balancers keep theirs, so that they are who closes it. */
const KEEP_ALIVE_MS = 72_000
/** Node looks for late requests this often, so that none may take longer than its time and this. */
const LATE_CHECK_MS = 1_000

export function createHttpServer(handler: RequestListener, options: HttpServerOptions): Server {
  const { limits, logger, randomId, admit } = options
  const server = createServer(
    {
      // A request without Host gets problem+json, not the empty answer of Node.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.requestTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(LATE_CHECK_MS, limits.requestTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    handler,
  )
  // Nothing moves on a connection while a lookup waits. One that is quiet for longer has a client that reads no answer.
  server.setTimeout(limits.waitSeconds * 1000 + limits.requestTimeoutMs)
  if (admit !== undefined) server.on('connection', admit)
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket, randomId()))
  // RFC 9110 section 10.1.1: refused by a hook, as problem+json.
  server.on('checkExpectation', handler)
  server.on('error', (error) => {
    // Who listens is told himself; later errors are of connections that could not be taken.
    if (server.listening) logger.error({ err: error }, 'the HTTP server could not take a connection')
  })
  return server
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'BODY_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/** What is no HTTP gets an answer too, when there is still somebody to read it. */
function refuseMalformed(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  // It was answered, and the rest of it still arrives.
  if (socket.writableEnded) return
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const code = CLIENT_ERRORS[error.code ?? '']
  answerSocket(
    socket,
    code === undefined ? new PushError('REQUEST_INVALID', 'not well-formed HTTP') : new PushError(code),
    requestId,
  )
}
