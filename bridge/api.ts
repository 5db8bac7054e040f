/** The HTTP API of a server with a store. */
import type { BlockList } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Auth } from '../auth/contract.ts'
import { auditTo } from '../common/audit.ts'
import { Forwarding } from '../common/forwarded.ts'
import type { Metrics } from '../common/metrics.ts'
import type { Tracing } from '../common/tracing.ts'
import { networkOf, plainAddress } from '../common/networks.ts'
import { createRandomId } from '../common/random-id.ts'
import { RateByKey } from '../common/rates.ts'
import type { Store, StoreHealth } from '../store/contract.ts'
import type { BroadcastCounter } from '../store/broadcast-counter.ts'
import type { Revocations } from '../store/revocations.ts'
import type { MessageLimits } from '../store/message.ts'
import { QuotaLeases } from '../store/quota-leases.ts'
import { UnderWay } from '../common/under-way.ts'
import { sharedCount, type Tally } from '../common/tally.ts'
import { Selections, type Device } from '../topics/index.ts'
import { createAcknowledge } from './acknowledge.ts'
import { createGuard, createProofGuard, knowDevice } from './authenticate.ts'
import { Accounts } from './calls/accounts.ts'
import { createCalls, type Calls } from './calls/calls.ts'
import { createInspections } from './calls/inspect-token.ts'
import { TokenEvents } from './calls/token-events.ts'
import type { ConsoleMode } from './console/availability.ts'
import { serveConsole } from './console/files.ts'
import { ConsoleSessions } from './console/sessions.ts'
import { createFastifyApp } from './fastify-app.ts'
import type { Admit, AdmitRequest } from './http-server.ts'
import type { KeyCopy } from './keys/key-copy.ts'
import type { HttpLimits } from './limits.ts'
import { createLongPolls } from './long-polls.ts'
import { EventCalls } from './events/calls.ts'
import { Consumers } from './events/consumers.ts'
import { EventStreams } from './events/event-streams.ts'
import { createPages } from './lookup.ts'
import { createOverview } from './overview/overview.ts'
import { serveEvents } from './routes/events.ts'
import { streamEvents } from './routes/events-stream.ts'
import { reportHealth } from './routes/health.ts'
import { manageKeys } from './routes/keys.ts'
import { acknowledgeMessages } from './routes/messages-ack.ts'
import { lookUpMessages } from './routes/messages-lookup.ts'
import { followMessages } from './routes/messages-follow.ts'
import { sendMessages } from './routes/messages-send.ts'
import { streamMessages } from './routes/messages-stream.ts'
import { exposeMetrics } from './routes/metrics.ts'
import { showOverview } from './routes/overview.ts'
import { signIn } from './routes/session.ts'
import { serveOpenApi } from './routes/openapi.ts'
import { serveReference } from './routes/reference.ts'
import { enrol } from './routes/enrolments.ts'
import { issueTokens } from './routes/tokens-issue.ts'
import { inspectTokens } from './routes/tokens-inspect.ts'
import { listTokens } from './routes/tokens-list.ts'
import { revokeTokens } from './routes/tokens-revoke.ts'
import { manageWebhooks } from './routes/webhooks.ts'
import { manageSigningKeys, publishKeys } from './routes/signing-keys.ts'
import { createSigningKeyCalls } from './signing-keys/calls.ts'
import type { SigningKeys } from './signing-keys/signing-keys.ts'
import { MessageStreams } from './streams/message-streams.ts'
import { streamOptions, STREAM_PAGE_BYTES } from './streams/stream-options.ts'
import { createTickets } from './streams/tickets.ts'
import { Waiting } from './waiting.ts'
import { createStorePublisher } from './store-publisher.ts'
import { createWebhooks, type WebhookRules, type Webhooks } from './webhooks/webhooks.ts'
import { Endpoints } from './web-push/capabilities.ts'
import { WebPush } from './web-push/web-push.ts'
import { takeWebPush } from './routes/web-push.ts'
import { RequestWork } from './work.ts'

export interface HttpApiOptions {
  /** Version of the package, for the OpenAPI document. */
  readonly version: string
  readonly auth: Auth
  /** Open, before the first request comes. */
  readonly store: Store
  /** The provider keys of the store; open. */
  readonly keys: KeyCopy
  /** The signing keys of the store; undefined: they are of a file. */
  readonly signing: SigningKeys | undefined
  /** What others of this process count in; by default its own. */
  readonly quotas?: QuotaLeases
  /** What others of this process have under way counts as well; by default they have nothing. */
  readonly underWay?: UnderWay
  readonly counts: Pick<BroadcastCounter, 'acknowledged'>
  readonly revocations: Pick<
    Revocations,
    'fresh' | 'refresh' | 'check' | 'isRevoked' | 'epochsOf' | 'revoke' | 'onRevoked'
  >
  readonly metrics: Metrics
  /** What `/metrics` answers, where it is more than `metrics`: all processes of one server. */
  readonly metricsText?: (() => Promise<string>) | undefined
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined
  readonly limits: HttpLimits & MessageLimits
  /** Never given a token, key or payload. */
  readonly logger: FastifyBaseLogger
  readonly admit?: Admit
  readonly admitRequest?: AdmitRequest
  /** Who says for whom it passes on requests. */
  readonly trustedProxies?: BlockList | undefined
  /** Tally of other processes that the limits hold for as well. */
  readonly tally?: Tally | undefined
  readonly allowedHosts?: readonly string[] | undefined
  /** Where webhooks may lead besides public addresses, and when failed calls are made again. */
  readonly webhooks?: WebhookRules | undefined
  /** Of pages that may ask what devices ask, as browsers send them, or `*`. */
  readonly corsOrigins?: readonly string[] | undefined
  /** Under which others reach the API: then devices get Web Push endpoints that ask for them. */
  readonly publicUrl?: string | undefined
  /** Whether the console is served, and to whom; default: it is not. */
  readonly console?: ConsoleMode | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic?: () => number
  /** Fresh ids of requests and of messages that come without one. */
  readonly randomId?: () => string
  /** From 0 up to 1: clients that were told to come back do not all come at the same time. */
  readonly random?: () => number
  /** What `/readyz` asks; by default the store. A `PushError` is answered as it is. */
  readonly ready?: () => Promise<StoreHealth>
}

export interface HttpApi {
  readonly http: FastifyInstance
  /** What its routes for providers do. */
  readonly calls: Calls
  /** Not open: nothing is delivered before. */
  readonly webhooks: Pick<Webhooks, 'open' | 'close'>
}

/**
 * The HTTP API, not listening: call `listen()`, or `ready()` and hand requests to `routing`. `close()` answers long
 * polls at once, lets the other requests in flight end, and leaves the store open.
 */
export function createHttpApi(options: HttpApiOptions): HttpApi {
  const { auth, store, revocations, metrics, limits, logger } = options
  const {
    now = Date.now,
    monotonic = () => performance.now(),
    randomId = createRandomId(),
    ready = () => store.health(),
  } = options
  const underWay = options.underWay ?? new UnderWay(limits.providerUnderWay, monotonic)
  const quotas = options.quotas ?? new QuotaLeases({ store, now })
  const work = new RequestWork(limits.work, monotonic, underWay)
  const tickets = createTickets(auth, now)
  const know = (device: Device) => knowDevice({ auth, store, revocations }, device)
  const audit = auditTo(logger)
  const { console: mode = 'off' } = options
  const forwarding = new Forwarding(options.trustedProxies)
  const sessions = new ConsoleSessions({
    mode,
    auth,
    store,
    limits,
    rate: new RateByKey(limits.signIns, monotonic, sharedCount(options.tally, 'signIns')),
    addressOf: (request) => networkOf(plainAddress(forwarding.addressOf(request))),
    audit,
    now,
  })
  const guard = createGuard(auth, know, work, { openTicket: (ticket) => tickets.open(ticket), sessions })
  const proofs = createProofGuard({ auth, revocations, work, sessions })
  const endpoints = options.publicUrl === undefined ? undefined : new Endpoints(auth, options.publicUrl)
  const accounts = new Accounts({ store, revocations, most: limits.accountDevices, monotonic })
  const publisher = createStorePublisher({ auth, store, accounts, underWay, metrics, logger })
  const selections = new Selections()
  const waiting = new Waiting(limits.waiting, metrics.httpWaiting, sharedCount(options.tally, 'waiting'))
  const longPolls = createLongPolls({ store, revocations, limits, selections, now, waiting })
  const consumers = new Consumers({ store, auth, limits, waiting, now, monotonic })
  auth.onKeyRetired(() => longPolls.recheckAll())
  const pages = createPages(store, limits, selections)
  const acknowledge = createAcknowledge({ store, metrics, counts: options.counts })
  const streams = streamOptions(limits, options.random)
  const messageStreams = new MessageStreams({
    auth,
    store,
    revocations,
    pages: createPages(store, { ...limits, lookupBytes: Math.min(limits.lookupBytes, STREAM_PAGE_BYTES) }, selections),
    longPolls,
    acknowledge,
    metrics,
    streams,
    now,
  })
  const { version, webhooks: rules } = options
  const about = { version, auth, store, rules, limits, metrics, logger, audit, now, monotonic, randomId }
  const webhooks = createWebhooks(about)
  const calls = createCalls({
    webhooks: webhooks.calls,
    auth,
    store,
    revocations,
    accounts,
    endpoints,
    publisher,
    longPolls,
    rate: new RateByKey(limits.tokenRequests, monotonic, sharedCount(options.tally, 'tokenRequests')),
    keys: options.keys,
    audit,
    tokenEvents: new TokenEvents({ store, logger, now, randomId }),
    quotas,
    work,
    metrics,
    limits,
    now,
    randomId,
  })

  const overview = createOverview({
    version: options.version,
    store,
    metrics,
    metricsText: options.metricsText,
    ready,
    port: () => portOf(http),
    now,
  })
  const http = createFastifyApp({
    version,
    hasConsole: mode !== 'off',
    limits,
    admit: options.admit,
    admitRequest: options.admitRequest,
    trustedProxies: options.trustedProxies,
    tally: options.tally,
    allowedHosts: options.allowedHosts,
    corsOrigins: options.corsOrigins,
    publicUrl: options.publicUrl,
    logger,
    metrics,
    tracing: options.tracing,
    randomId,
    monotonic,
    closing() {
      longPolls.close()
      consumers.close()
    },
    routes(api, documents) {
      issueTokens(api, { ...calls, proofs, limits })
      enrol(api, { ...calls, guard })
      listTokens(api, { ...calls, guard })
      inspectTokens(api, { inspections: createInspections({ store, accounts, pages, now }), guard, limits })
      revokeTokens(api, { ...calls, guard })
      followMessages(api, { ...calls, guard, limits })
      sendMessages(api, { ...calls, guard, quotas, limits, errors: publisher.errors })
      manageKeys(api, { calls, guard })
      manageSigningKeys(api, { calls: createSigningKeyCalls({ auth, signing: options.signing, audit }), guard })
      publishKeys(api, auth)
      lookUpMessages(api, { auth, store, revocations, guard, pages, longPolls, metrics, limits, now })
      acknowledgeMessages(api, { guard, acknowledge })
      streamMessages(api, { guard, messageStreams, tickets })
      const events = new EventCalls({ auth, store, consumers, work, metrics, limits })
      serveEvents(api, { events, guard, limits })
      manageWebhooks(api, { calls, guard })
      streamEvents(api, { guard, eventStreams: new EventStreams({ events, consumers, metrics, streams }) })
      if (endpoints !== undefined) {
        const rate = new RateByKey(limits.webPushRequests, monotonic, sharedCount(options.tally, 'webPushRequests'))
        const pushing = { auth, store, revocations, endpoints, rate, underWay, metrics, limits, now, randomId }
        takeWebPush(api, { webPush: new WebPush(pushing), work, limits })
      }
      showOverview(api, { read: overview, guard })
      if (mode !== 'off') {
        signIn(api, sessions)
        serveConsole(api, mode)
      }
      reportHealth(api, ready)
      exposeMetrics(api, metrics, options.metricsText)
      serveOpenApi(api, documents)
      serveReference(api, documents)
    },
  })
  watchWhileOpen(http, () => longPolls.watch())
  watchWhileOpen(http, () => consumers.watch())
  return { http, calls, webhooks }
}

function portOf({ server }: FastifyInstance): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}

function watchWhileOpen(app: FastifyInstance, watch: () => () => void): void {
  let stop: (() => void) | undefined
  app.addHook('onReady', async () => {
    stop = watch()
  })
  app.addHook('onClose', async () => stop?.())
}
