/** The bridge process: publishes `POST /v1/messages` to any MQTT broker. */
import type { BlockList } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Auth } from '../auth/contract.ts'
import { PushError } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import { createRandomId } from '../common/random-id.ts'
import type { MessageLimits } from '../store/message.ts'
import type { Device } from '../topics/index.ts'
import { createGuard } from './authenticate.ts'
import { createSendMessage } from './calls/send-message.ts'
import { createFastifyApp } from './fastify-app.ts'
import type { HttpLimits } from './limits.ts'
import { openUpstream, type UpstreamOptions } from './remote-connection.ts'
import { createRemotePublisher } from './remote-publisher.ts'
import { reportHealth } from './routes/health.ts'
import { sendMessages } from './routes/messages-send.ts'
import { exposeMetrics } from './routes/metrics.ts'
import { serveOpenApi } from './routes/openapi.ts'
import { serveReference } from './routes/reference.ts'
import { RequestWork } from './work.ts'

export interface RemoteBridgeOptions {
  /** Version of the package, for the OpenAPI document. */
  readonly version: string
  /** Provider keys; with `verify`, a request may name receivers by their message tokens too. */
  readonly auth: Pick<Auth, 'provider' | 'providerShown'> & Partial<Pick<Auth, 'verify'>>
  readonly upstream: UpstreamOptions
  readonly metrics: Metrics
  readonly limits: HttpLimits & MessageLimits
  /** Never given a token, key or payload. */
  readonly logger: FastifyBaseLogger
  readonly allowedHosts?: readonly string[] | undefined
  /** Who says for whom it passes on requests. */
  readonly trustedProxies?: BlockList | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic?: () => number
  readonly randomId?: () => string
}

/** When the bridge closes, requests have their answer before `createFastifyApp` cuts what is left, ms. */
const CLOSING_ANSWERS_MS = 3_000

/**
 * The HTTP API of a bridge, not listening. It connects at once and again whenever the connection is lost; meanwhile
 * requests are answered UPSTREAM_UNAVAILABLE. `close()` lets the requests in flight end, then disconnects.
 */
export function createRemoteBridge(options: RemoteBridgeOptions): FastifyInstance {
  const { auth, metrics, limits, logger, now = Date.now, randomId = createRandomId() } = options
  const { monotonic = () => performance.now() } = options
  const upstream = openUpstream(options.upstream, logger)
  const publisher = createRemotePublisher(upstream, metrics)
  const canVerify = auth.verify !== undefined
  const verify = (token: string) => auth.verify?.(token) ?? refuseToken()
  const work = new RequestWork(limits.work, monotonic)
  const newProvider = () => Promise.resolve(undefined)
  const { provider, providerShown } = auth
  const keys = { provider, providerShown, newProvider, verify: canVerify ? verify : refuseDevice }
  const guard = createGuard(keys, refuseCall, work)

  const send = createSendMessage({ publisher, verify, work, metrics, limits, now, randomId })

  const app = createFastifyApp({
    version: options.version,
    limits,
    allowedHosts: options.allowedHosts,
    trustedProxies: options.trustedProxies,
    logger,
    metrics,
    randomId,
    monotonic,
    closing: () => upstream.finish(CLOSING_ANSWERS_MS),
    routes(api, documents) {
      sendMessages(api, { send, guard, limits, errors: publisher.errors })
      refuseOtherCalls(api)
      reportHealth(api, async () => {
        upstream.check()
        return { warnings: [] }
      })
      exposeMetrics(api, metrics)
      serveOpenApi(api, documents)
      serveReference(api, documents)
    },
  })
  app.addHook('onClose', () => upstream.close())
  return app
}

/** No device may do here what a provider may, whether or not its token holds. */
function refuseDevice(): Device {
  throw new PushError('NOT_A_PROVIDER')
}

function refuseToken(): Device {
  throw new PushError('UNSUPPORTED_BY_BRIDGE', 'this bridge cannot read message tokens; name the app and the token id')
}

async function refuseCall(): Promise<never> {
  throw new PushError('UNSUPPORTED_BY_BRIDGE')
}

/** What needs the store: only the server itself has one. */
function refuseOtherCalls(api: FastifyInstance): void {
  const options = { schema: { hide: true } }
  api.all('/v1/keys', options, refuseCall)
  api.all('/v1/keys/*', options, refuseCall)
  api.all('/v1/webhooks', options, refuseCall)
  api.all('/v1/webhooks/*', options, refuseCall)
  for (const { method, url } of CALLS_OF_THE_STORE) api.route({ method, url, ...options, handler: refuseCall })
}

const CALLS_OF_THE_STORE = [
  { method: ['GET', 'POST'], url: '/v1/tokens' },
  { method: 'POST', url: '/v1/tokens/revoke' },
  { method: 'DELETE', url: '/v1/tokens/:tokenId' },
  { method: ['GET', 'POST'], url: '/v1/enrolments' },
  { method: 'DELETE', url: '/v1/enrolments/:id' },
  { method: 'GET', url: '/v1/events' },
  { method: 'POST', url: '/v1/events/ack' },
  { method: 'DELETE', url: '/v1/events/consumers/:consumer' },
  { method: 'GET', url: '/v1/events/stream' },
  { method: 'GET', url: '/v1/messages' },
  { method: ['GET', 'POST'], url: '/v1/messages/stream' },
  { method: 'POST', url: '/v1/messages/ack' },
]
