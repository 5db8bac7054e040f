/** The Node.js server of the HTTP API: its timeouts, and an owner for everything that it emits. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import { PushError, type ErrorCode } from '../errors.ts'
import type { HttpLimits } from './limits.ts'
import { answerSocket, endSocket } from './problem.ts'

/** Counts a connection until it closes, or closes it if there are too many. */
export type Admit = (socket: Socket) => void

/**
 * Counts a request until the returned function is called, if its connection outlives it. Throws if there are too many.
 */
export type AdmitRequest = (request: IncomingMessage) => (() => void) | undefined

interface HttpServerOptions {
  readonly limits: HttpLimits
  readonly logger: FastifyBaseLogger
  readonly randomId: () => string
  readonly admit: Admit | undefined
}

/** How long an idle connection is kept: longer than balancers keep theirs, so that the balancer closes it first. */
const KEEP_ALIVE_MS = 72_000
/** Node checks for late requests at this interval, so none takes longer than its timeout plus this. */
const LATE_CHECK_MS = 1_000

/** The last request of a connection, its answer, and the answer in front of that. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly before: ServerResponse | undefined
}

export function createHttpServer(handler: RequestListener, options: HttpServerOptions): Server {
  const { limits, logger, randomId, admit } = options
  const exchanges = new WeakMap<Duplex, Exchange>()
  const take: RequestListener = (request, response) => {
    // RFC 9112 section 9.6: what follows a request whose answer said that the connection closes is not processed.
    if (request.socket.writableEnded) return void request.resume()
    exchanges.set(request.socket, { request, response, before: exchanges.get(request.socket)?.response })
    handler(request, response)
  }
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
    take,
  )
  // Nothing moves on a connection while a lookup waits. One that is quiet for longer has a client that reads no answer.
  server.setTimeout(limits.waitSeconds * 1000 + limits.requestTimeoutMs)
  if (admit !== undefined) server.on('connection', admit)
  // After the last answer, Node would close with input unread, which resets the connection: answers may not arrive.
  server.on('connection', (socket: Socket) => (socket.destroySoon = () => endSocket(socket)))
  server.on('clientError', (error, socket) => refuseMalformed(error, socket, exchanges.get(socket), randomId()))
  // RFC 9110 section 10.1.1: refused by a hook, as problem+json.
  server.on('checkExpectation', take)
  server.on('error', (error) => {
    // Who listens is told himself; later errors are of connections that could not be taken.
    if (server.listening) logger.error({ err: error }, 'the HTTP server could not accept a connection')
  })
  return server
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'BODY_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/** Input that is not HTTP gets a response too, in order, if there is still somebody to read it. */
function refuseMalformed(
  error: Error & { code?: string },
  socket: Duplex,
  last: Exchange | undefined,
  requestId: string,
): void {
  // It was answered, and the rest of it still arrives.
  if (socket.writableEnded) return
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const first = last === undefined ? undefined : answerInFront(last)
  if (first !== undefined) {
    // To the client the next answer is that to its next request, which may be stored by now.
    first.once('finish', () => refuseMalformed(error, socket, last, requestId))
    return
  }
  // The body of an already answered request is not a new request.
  if (last !== undefined && !last.request.complete && last.response.headersSent) return endSocket(socket)
  const code = CLIENT_ERRORS[error.code ?? '']
  answerSocket(
    socket,
    code === undefined ? new PushError('REQUEST_INVALID', 'not well-formed HTTP') : new PushError(code),
    requestId,
  )
}

/** The response that must be sent before another one, if any. */
function answerInFront({ request, response, before }: Exchange): ServerResponse | undefined {
  const last = request.complete || response.headersSent ? response : before
  return last === undefined || last.writableFinished || last.destroyed ? undefined : last
}
