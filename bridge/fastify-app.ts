/** The HTTP server that contains the calls: bodies, errors, request ids, limits, shutdown, OpenAPI. */
import rateLimit from '@fastify/rate-limit'
import type { IncomingMessage } from 'node:http'
import type { BlockList, Socket } from 'node:net'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { PushError } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import type { Tracing } from '../common/tracing.ts'
import { Forwarding } from '../common/forwarded.ts'
import { sharedCount, type Tally } from '../common/tally.ts'
import { watchingUpgrades } from '../common/upgrades.ts'
import { allowOrigins, answerPreflights, createOriginCheck } from './cors.ts'
import { boundTo, checkOneHost, createHostCheck } from './host-check.ts'
import { createHttpServer, type Admit, type AdmitRequest } from './http-server.ts'
import { acceptJsonOnly } from './json-body.ts'
import type { HttpLimits } from './limits.ts'
import { observeMethods, refuseUnknown } from './methods.ts'
import { answerError } from './problem.ts'
import { collectDocuments, type Documents } from './reference/documents.ts'
import { requestCounts } from './request-counts.ts'
import { routeOf } from './route-of.ts'
import { traceRequests } from './tracing.ts'
import { problemSchema } from './schemas.ts'
import { createCompiler } from './validation.ts'

interface FastifyAppOptions {
  /** Version of the package, for the OpenAPI document. */
  readonly version: string
  /** Providers may use its session. */
  readonly hasConsole?: boolean
  readonly limits: HttpLimits
  readonly logger: FastifyBaseLogger
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined
  readonly metrics: Pick<Metrics, 'httpRequests' | 'httpDuration'>
  readonly randomId: () => string
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic: () => number
  /** Host names that requests may use; see `createHostCheck`. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Of pages that may ask what devices ask; see `allowOrigins`. */
  readonly corsOrigins?: readonly string[] | undefined
  /** Its name is one of the server's own. */
  readonly publicUrl?: string | undefined
  readonly admit?: Admit | undefined
  readonly admitRequest?: AdmitRequest | undefined
  /** Proxies that are trusted for the client address. */
  readonly trustedProxies?: BlockList | undefined
  readonly tally?: Tally | undefined
  /** Adds the calls. `documents` describe them. */
  readonly routes: (api: FastifyInstance, documents: () => Promise<Documents>) => void
  /** Runs when the server begins to close, before it waits for the requests in flight. */
  readonly closing: () => void
}

const LIVENESS = '/healthz'
/** Paths for balancers and orchestrators, which may use any host name. */
const PROBES: ReadonlySet<string | undefined> = new Set([LIVENESS, '/readyz'])
/** How long requests in flight may take when the server closes. */
const CLOSING_MS = 5_000

export function createFastifyApp(options: FastifyAppOptions): FastifyInstance {
  const { limits, logger, randomId, routes, closing } = options
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomId(),
    bodyLimit: limits.bodyBytes,
    serverFactory: (handler) => createHttpServer(handler, { limits, logger, randomId, admit: options.admit }),
    // The server has its own, as all that fastify makes of it need one.
    clientErrorHandler: () => undefined,
    // Its 503 would not be problem+json; the hook below answers instead.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1_024 },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  })
  acceptJsonOnly(app, limits)
  app.setErrorHandler(answerError)
  app.setValidatorCompiler(createCompiler())
  // Schemas only describe answers; what is in them is chosen by the routes.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  const methods = observeMethods(app)
  allowOrigins(app, options.corsOrigins)
  const isClosing = refuseWhenClosing(app, closing)
  closeSilentConnections(app)
  checkHeads(app, options, isClosing)
  if (options.corsOrigins !== undefined) answerPreflights(app)
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) refuseUnknown(methods, request, reply)
    done()
  })
  tellOfRequests(app, logger, options.metrics)
  if (options.tracing !== undefined) traceRequests(app, options.tracing)
  app.addSchema(problemSchema)
  const documents = collectDocuments(app, { version: options.version, hasConsole: options.hasConsole === true })
  app.register(async (instance) => {
    await limitRequests(instance, options)
    routes(instance, documents)
  })
  return app
}

/** What the request line and the headers say, before anybody looks at who asks. One hook, as each costs every request. */
function checkHeads(app: FastifyInstance, options: FastifyAppOptions, isClosing: () => boolean): void {
  const { allowedHosts, corsOrigins, publicUrl, admitRequest } = options
  const check = createHostCheck(allowedHosts, createOriginCheck(corsOrigins), publicUrl)
  let bound: string | undefined
  app.server.on('listening', () => {
    bound = boundTo(app.server)
  })
  app.addHook('onRequest', (request, reply, done) => {
    const { raw, headers } = request
    const route = routeOf(request)
    if (isClosing() && route !== LIVENESS) throw new PushError('SHUTTING_DOWN')
    // Tokens and messages must not be cached.
    void reply.header('cache-control', 'no-store')
    checkOneHost(raw)
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue')
      throw new PushError('EXPECTATION_FAILED')
    if (!PROBES.has(route)) check(raw, bound)
    const release = route === LIVENESS ? undefined : admitRequest?.(raw)
    if (release !== undefined) reply.raw.once('close', release)
    done()
  })
}

/** Says whether it does. */
function refuseWhenClosing(app: FastifyInstance, closing: () => void): () => boolean {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
    closing()
  })
  // Otherwise the server would wait for an idle keep-alive connection.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) void reply.header('connection', 'close')
    done()
  })
  return () => isClosing
}

/**
 * Node closes idle connections at shutdown, but not one that has sent an incomplete request head or body, which would
 * delay the shutdown.
 */
function closeSilentConnections(app: FastifyInstance): void {
  const silent = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  const spoke = watchingUpgrades(({ socket }: IncomingMessage) => void silent.delete(socket))
  app.server.on('request', spoke)
  app.server.on('upgrade', spoke)
  app.addHook('preClose', async () => {
    for (const socket of silent) socket.destroy()
    setTimeout(() => app.server.closeAllConnections(), CLOSING_MS).unref()
  })
}

/** They last as long as their client wants. */
const WAITS = /\/stream($|\?)|[?&]wait=[1-9]/

/** By the route's pattern: people put credentials into URLs, and there are as many as the API has. */
function tellOfRequests(
  app: FastifyInstance,
  logger: FastifyBaseLogger & { readonly isLevelEnabled?: (level: string) => boolean },
  { httpRequests, httpDuration }: FastifyAppOptions['metrics'],
): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url } = request
    const { statusCode: status, elapsedTime: ms } = reply
    const route = routeOf(request)
    if (logger.isLevelEnabled?.('debug') !== false) request.log.debug({ method, route, status, ms }, 'request')
    httpRequests.inc(method, route ?? 'none', status)
    if (!WAITS.test(url)) httpDuration.observe(method, route ?? 'none', ms / 1000)
    done()
  })
}

/** A hook of its own: the one that the plugin would add to the routes comes after they have asked who is there. */
async function limitRequests(
  app: FastifyInstance,
  { limits: { requestsPerMinute }, monotonic, tally, trustedProxies }: FastifyAppOptions,
): Promise<void> {
  if (requestsPerMinute === 0) return
  const forwarding = new Forwarding(trustedProxies)
  await app.register(rateLimit, { global: false, store: requestCounts(monotonic, sharedCount(tally, 'requests')) })
  const limit = app.rateLimit({
    max: requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: ({ raw }) => forwarding.addressOf(raw),
    allowList: (request) => routeOf(request) === LIVENESS,
    errorResponseBuilder: () => new PushError('RATE_LIMITED'),
  })
  app.addHook('onRequest', limit)
}
