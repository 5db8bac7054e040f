/** Push as part of another Node.js program: connects the parts. The server is built on it. */
import { setTimeout } from 'node:timers/promises'
import { packageVersion } from '../common/package-version.ts'
import { createRandomId } from '../common/random-id.ts'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import type { BlockList, Socket } from 'node:net'
import type { Aedes } from 'aedes'
import type { FastifyInstance } from 'fastify'
import { pino, type Logger } from 'pino'
import { openAuth } from '../auth/index.ts'
import {
  boundTo,
  checkOneHost,
  createHostCheck,
  createHttpApi,
  createInProcessCalls,
  KeyCopy,
  SigningKeys,
  refuseUpgrade,
  type InProcessCalls,
} from '../bridge/index.ts'
import {
  Acceptor,
  type Certificates,
  type Deliver,
  type GeneralAccess,
  type ListenerRules,
  listenWebSocket,
  type NativePersistence,
  type ProxyRules,
  openGeneralTopics,
  PushBroker,
} from '../broker/index.ts'
import { createDropLog, type DropLog } from './drop-log.ts'
import { engineOf } from './engine.ts'
import { PushError } from '../errors.ts'
import { Forwarding } from '../common/forwarded.ts'
import { createMetrics, measurePending, type Metrics } from '../common/metrics.ts'
import { checkPushOptions, type PushLimits, type PushOptions } from './options.ts'
import { Revocations } from '../store/revocations.ts'
import {
  BroadcastCounter,
  type Lease,
  QuotaLeases,
  type Store,
  StoreLease,
  type StoreObserver,
} from '../store/index.ts'
import { UnderWay } from '../common/under-way.ts'
import { loggingErrorsSafely, reportUnexpected } from '../common/unexpected.ts'

export interface Push extends InProcessCalls {
  /**
   * Attaches your own broker; call it once, before the first connection. Devices, providers and `users` are served
   * here, all other connections by your broker, and both share its topics. Only well-formed MQTT reaches it. Pass its
   * persistence as well, if it has its own, so that users receive what it retained earlier.
   * @throws Error in one sentence, if its version of aedes is another
   */
  attach(broker: Aedes, persistence?: NativePersistence): void
  /** Accepts a connection: a socket, or any duplex stream. `rules` are the rules for users of its listener. */
  handle(stream: Duplex, request?: IncomingMessage, rules?: ListenerRules): void
  /**
   * What connections of a listener pass before `deliver` gets them, `handle` for one: the PROXY protocol header of
   * balancers in `proxies`, or of anybody as `proxy` says, and TLS with `certificates`. A socket that is delivered tells the client's address.
   */
  acceptor(
    through: {
      readonly certificates: Certificates | undefined
      readonly proxies: BlockList | undefined
      readonly proxy?: ProxyRules
    },
    deliver: Deliver,
  ): Acceptor
  /** The HTTP API, not listening yet: call `listen()`, or `ready()` and pass requests to `routing`. */
  readonly http: FastifyInstance
  /**
   * Serves MQTT over WebSocket on an HTTP server, at a path (default `/mqtt`); `*` is any path. Upgrades to other paths
   * go to other listeners, or get 404 if there are none. `rules` are for its users. Returns a function that stops it.
   */
  webSocket(server: Server, path?: string, rules?: ListenerRules): () => void
  /**
   * Counts a connection to your own server, from which `webSocket` gets upgrades, and destroys it if it exceeds the
   * limit. Without this, connections count from their upgrade.
   */
  admit(socket: Socket): void
  /** General topics of this process. */
  readonly general: GeneralAccess
  readonly metrics: Metrics
  /**
   * A lease of this name, for work that only one of the processes that share the store may do, such as holding an
   * outgoing connection.
   */
  lease(name: string): Lease
  /** Reloads the file of identity providers, which is also watched. A file that cannot be used changes nothing. */
  reload(): Promise<void>
  /**
   * Accepts nothing new, answers what is in flight, sends 0x8B to MQTT 5 clients, writes everything and closes the
   * store.
   */
  close(): Promise<void>
}

/**
 * Opens the store and the keys, and connects the parts. A failure leaves nothing open or locked.
 * @throws Error that names the invalid option
 */
export async function createPush(options: PushOptions): Promise<Push> {
  const limits = checkPushOptions(options)
  const logger = loggingErrorsSafely(options.logger ?? pino({ level: 'silent' }))
  const opened: Closable[] = []
  try {
    return await assemble(options, limits, logger, opened)
  } catch (error) {
    for (const part of opened.toReversed())
      await part
        .close()
        .catch((failure: unknown) => logger.warn({ err: failure }, 'could not close after a failed start'))
    throw error
  }
}

interface Closable {
  close(): Promise<unknown>
}

/** Adds each part to `opened` as it is opened. */
async function assemble(options: PushOptions, limits: PushLimits, logger: Logger, opened: Closable[]): Promise<Push> {
  const { now = Date.now, monotonic = () => performance.now(), tally, users, generalRules } = options
  const metrics = createMetrics()
  const randomId = createRandomId()
  const drops = createDropLog(logger)
  const engine = await engineOf(options, { limits, now, observer: observerOf(metrics, drops, logger) }, (message) =>
    logger.warn(message),
  )
  const { store, secrets } = engine
  await store.open()
  opened.push(store)
  measurePending(metrics.registry, () => store.pendingMessages(), monotonic)
  if (engine.general !== undefined) {
    await engine.general.open()
    opened.push(engine.general)
  }
  const revocations = new Revocations({
    store,
    now,
    monotonic,
    keepMs: limits.maximumTokenTtl * 1000 + limits.deviceHoldMs,
    most: limits.revokedAccounts,
    failed: (error) => logger.warn({ err: error }, 'could not check revocations'),
  })
  await revocations.open()
  opened.push({ close: async () => revocations.close() })
  const providers = typeof options.providers === 'function' ? await options.providers(secrets) : options.providers
  const keys = await KeyCopy.open({ store, logger, now, monotonic })
  opened.push(keys)
  const { keysFile, algorithm = 'HS256' } = options
  const signing =
    keysFile === undefined ? await SigningKeys.open({ store, secrets, algorithm, logger, now, monotonic }) : undefined
  if (signing !== undefined) opened.push(signing)
  const ring = signing?.ring
  const auth = await openAuth({ ...options, now, monotonic, providers, secrets, ring, storedKeys: keys, logger })
  opened.push({ close: async () => auth.close() })
  const general = await openGeneralTopics({
    store: engine.general ?? store,
    logger,
    limits,
    retained: engine.openRetained(),
    rules: generalRules,
    // Aedes keys by it and a counter that begins anew: a process must not have that of another.
    id: randomId(),
    randomId,
    now,
    monotonic,
  })
  opened.push(general)
  const quotas = new QuotaLeases({ store, now })
  const underWay = new UnderWay(limits.providerUnderWay, monotonic)
  const counts = new BroadcastCounter({
    store,
    failed: (error) => logger.warn({ err: error }, 'could not write broadcast counts, trying again'),
  })
  const broker = new PushBroker({
    general,
    auth,
    store,
    quotas,
    underWay,
    counts,
    revocations,
    strictExpiry: options.strictExpiry,
    metrics,
    logger,
    limits,
    users,
    generalRules,
    trustedProxies: options.trustedProxies,
    now,
    monotonic,
    tracing: options.tracing,
    randomId,
    tally,
  })
  opened.push(broker)
  keys.onChange((id) => broker.keyChanged(id))
  let isClosing = false
  const { http, calls, webhooks } = createHttpApi({
    version: packageVersion(),
    auth,
    store,
    keys,
    signing,
    quotas,
    underWay,
    counts,
    revocations,
    metrics,
    metricsText: options.metricsText?.(metrics),
    tracing: options.tracing,
    limits,
    logger,
    admit: broker.admit,
    admitRequest: broker.admitRequest,
    trustedProxies: options.trustedProxies,
    tally,
    allowedHosts: options.allowedHosts,
    webhooks: options.webhooks,
    corsOrigins: options.corsOrigins,
    publicUrl: options.publicUrl,
    console: options.console,
    now,
    monotonic,
    randomId,
    async ready() {
      if (isClosing) throw new PushError('SHUTTING_DOWN')
      const { warnings } = await store.health()
      return { warnings: [...warnings, ...(signing?.warnings ?? [])] }
    },
  })
  opened.push(webhooks)
  await webhooks.open()
  return {
    ...createInProcessCalls({ calls, auth, limits, log: logger, isClosing: () => isClosing }),
    attach: (own, persistence) => broker.attach(own, persistence),
    handle: broker.handle,
    acceptor: (through, deliver) =>
      new Acceptor(
        {
          ...through,
          forwarding: new Forwarding(options.trustedProxies),
          timeoutMs: limits.connectTimeoutMs,
          admission: broker.admission,
          metrics,
          logger,
        },
        deliver,
      ),
    http,
    webSocket: webSockets(options, limits, broker, logger, randomId),
    admit: broker.admit,
    general: broker.generalAccess,
    metrics,
    lease: (name) => new StoreLease({ store, name, holder: randomId(), monotonic }),
    reload: () => auth.reload(),
    async close() {
      isClosing = true
      auth.close()
      const late = setTimeout(LONGEST_END_MS, 'late', UNREF)
      const all = [http.close(), broker.close().then(() => general.close()), calls.settled(), webhooks.close()]
      const ended = Promise.all(all)
      if ((await Promise.race([ended, untilAway(store), late])) === 'late')
        logger.warn('closing takes too long; closing the store now')
      await Promise.all([keys.close(), signing?.close()])
      revocations.close()
      const closed = counts.close().then(() => Promise.all([engine.general?.close(), store.close()]))
      await Promise.race([closed, setTimeout(CLOSE_MS, undefined, UNREF)])
      drops.close()
    },
  }
}

function webSockets(
  { allowedHosts, publicUrl, generalRules }: PushOptions,
  { maximumPacketSize }: PushLimits,
  { handle }: PushBroker,
  logger: Logger,
  randomId: () => string,
): Push['webSocket'] {
  const checkHost = createHostCheck(allowedHosts, undefined, publicUrl)
  return (server, path = '/mqtt', rules) => {
    if (path !== '*' && !path.startsWith('/'))
      throw new Error(`webSocket: the path must begin with "/" or be "*", and is ${inspect(path)}`)
    return listenWebSocket({
      server,
      path,
      // MQTT itself tells a client that a message is too large.
      maximumPacketSize: Math.max(maximumPacketSize, generalRules?.maximumPacketSize ?? 0),
      handle: (stream, request) => handle(stream, request, rules),
      check(request) {
        checkOneHost(request)
        checkHost(request, boundTo(server))
      },
      refuse: (socket, error) => refuseUpgrade(socket, error, randomId(), logger),
    })
  }
}

/** Time for the store to answer calls in flight when the server closes, ms. */
const LAST_CALLS_MS = 3_000
const LOOK_MS = 500
/** Deadline for everything else, ms: the server allows eight seconds for its whole shutdown. */
const LONGEST_END_MS = 6_000
/** Time for connections to close gracefully, ms. */
const CLOSE_MS = 1_000
const UNREF = { ref: false }

/**
 * Resolves when the store has not answered in time: what is not written then comes again as a duplicate, and waiting
 * longer would only delay the shutdown.
 */
async function untilAway(store: Store): Promise<void> {
  await setTimeout(LAST_CALLS_MS, undefined, UNREF)
  for (;;) {
    try {
      await store.health()
    } catch {
      return
    }
    await setTimeout(LOOK_MS, undefined, UNREF)
  }
}

function observerOf(metrics: Metrics, drops: DropLog, logger: Logger): StoreObserver {
  return {
    expired: (destination, count) => metrics.expired.inc({ destination }, count),
    dropped(destination, count) {
      metrics.dropped.inc({ destination }, count)
      drops.dropped(destination, count)
    },
    ended: (destination, state, count) => metrics.ended.inc({ destination, state }, count),
    lost: () => logger.error('Redis was emptied or failed over to an empty server; its data is lost'),
    secretDiffers: (name) =>
      logger.error(
        { secret: name },
        'Redis holds another key than this node uses, so nodes refuse tokens that other nodes issued; restart this node',
      ),
    watcherFailed: (error) => reportUnexpected({ logger, metrics }, error, 'could not handle what the store reported'),
  }
}
