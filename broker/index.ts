/** The MQTT side of one node: the gate, sessions of ours, and Aedes for the rest. */
import type { IncomingMessage } from 'node:http'
import type { BlockList, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { Aedes } from 'aedes'
import type { Logger } from 'pino'
import type { Auth } from '../auth/contract.ts'
import { PushError } from '../errors.ts'
import { Forwarding } from '../common/forwarded.ts'
import type { Metrics } from '../common/metrics.ts'
import type { Tracing } from '../common/tracing.ts'
import { createRandomId } from '../common/random-id.ts'
import type { BroadcastCounter } from '../store/broadcast-counter.ts'
import type { Store } from '../store/contract.ts'
import type { Revocations } from '../store/revocations.ts'
import type { MessageLimits } from '../store/message.ts'
import { QuotaLeases } from '../store/quota-leases.ts'
import { UnderWay } from '../common/under-way.ts'
import { sharedCount, type Tally } from '../common/tally.ts'
import { Turns } from '../common/turns.ts'
import type { GeneralTopics } from './general-topics.ts'
import { createAccept } from './accept.ts'
import { ConnectRoute } from './connect-route.ts'
import { checkAedesVersion } from './aedes/aedes-version.ts'
import { Attached } from './aedes/attached.ts'
import type { NativePersistence } from './aedes/native-retained.ts'
import { DelayedWills } from './session/delayed-wills.ts'
import type { DeviceLimits, DeviceNode } from './session/node.ts'
import { DeviceSessions } from './session/device-sessions.ts'
import type { ProviderLimits, ProviderNode } from './session/provider-node.ts'
import { ProviderSessions } from './session/provider-sessions.ts'
import { publishStoredProviderWill } from './session/provider-will.ts'
import { PacketsOfOne } from './session/general-packet.ts'
import { type GeneralRules, NO_GENERAL_RULES } from './session/general-rules.ts'
import { KnownUsers } from './session/known-users.ts'
import { type ListenerRules, NO_RULES } from './session/listener-rules.ts'
import { generalMessageOfWill } from './session/general-message.ts'
import type { UserLimits, UserNode } from './session/user-node.ts'
import { UserTerms } from './session/user-terms.ts'
import { UserSessions } from './session/user-sessions.ts'
import { publishStoredUserWill } from './session/user-will.ts'
import type { Users } from './session/users.ts'
import { publishStoredWill } from './session/will.ts'
import { Framers } from './codec/framing.ts'
import { Admission } from './gate/admission.ts'
import { Connection } from './gate/connection.ts'
import type { GateContext, GateLimits } from './gate/context.ts'
import { Flusher } from './gate/outbox.ts'
import { RateByKey, Rates } from '../common/rates.ts'
import { TimerWheel } from './gate/timer-wheel.ts'
import { Traffic } from './gate/traffic.ts'
import type { GeneralAccess, GeneralCounts } from './general-access.ts'
import { WorkBudgets } from '../common/work-budgets.ts'

export { Certificates, loadTlsFiles, TlsFileError, type TlsSettings } from './gate/certificates.ts'
export { Acceptor, type Deliver, type ProxyRules } from './gate/acceptor.ts'
export { interceptConnections, listenTcp, listenUnix, listenWebSocket, type TcpListener } from './gate/listeners.ts'
export { retainedInStore, type RetainedMessages } from './aedes/retained-topics.ts'
export { openGeneralTopics, type GeneralTopics } from './general-topics.ts'
export type { QoS } from './codec/packets.ts'
export type { User } from './session/general.ts'
export type { NativePersistence } from './aedes/native-retained.ts'
export type { UserCredentials, Users } from './session/users.ts'
export type { GeneralAccess, GeneralCounts, StoredCounts } from './general-access.ts'
export type { GeneralRules } from './session/general-rules.ts'
export type {
  AskedClientId,
  ConnectedUser,
  ConnectionEnd,
  ListenerRules,
  RefusedClient,
} from './session/listener-rules.ts'
export type { ProtocolLevel } from './codec/packets.ts'

export type BrokerLimits = GateLimits & DeviceLimits & ProviderLimits & UserLimits

/** At the end of the server, ms. */
const WILLS_MS = 1_000

interface BrokerOptions {
  readonly auth: Auth
  readonly store: Store
  readonly revocations: Pick<Revocations, 'fresh' | 'isRevoked' | 'onRevoked'>
  /** A connection ends with the token it came with. Default: it goes on while its token id has a newer one. */
  readonly strictExpiry?: boolean | undefined
  /** The metrics of this process; whoever created them closes them. */
  readonly quotas?: QuotaLeases
  /** What others of this process have under way counts as well; by default they have nothing. */
  readonly underWay?: UnderWay
  /** The metrics of this process; whoever created them closes them. */
  readonly counts: BroadcastCounter
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits: BrokerLimits & MessageLimits
  /** Proxies that are trusted for the client address. */
  readonly trustedProxies?: BlockList | undefined
  /** Besides devices and providers. */
  readonly users?: Users | undefined
  /** Each is read whenever it is needed. */
  readonly generalRules?: GeneralRules | undefined
  /** Of general topics. With it, users are sessions of ours; without, Aedes serves them. */
  readonly general?: GeneralTopics | undefined
  /** Milliseconds since the epoch, for dates. */
  readonly now?: () => number
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic?: () => number
  readonly randomId?: () => string
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined
  /** Tally of other processes that the limits hold for as well. */
  readonly tally?: Tally | undefined
}

export class PushBroker {
  readonly #options: BrokerOptions
  readonly #context: GateContext<Connection>
  readonly #node: DeviceNode
  readonly #providers: ProviderNode
  readonly #users: UserNode | undefined
  /** Counts connections, those that are still on their way in as well. */
  readonly admission: Admission
  readonly #route: ConnectRoute
  readonly #forwarding: Forwarding
  /** Connections of HTTP, which may become MQTT over WebSocket. */
  readonly #counted = new WeakSet<Duplex>()
  /** Of WebSockets whose CONNECT has not come yet. */
  readonly #requests = new WeakMap<Duplex, IncomingMessage>()
  /** Rules of the listener that a connection came by. */
  readonly #rules = new WeakMap<Duplex, ListenerRules>()
  readonly #known = new KnownUsers((users) => this.#users?.sessions.rechecks.changed(users))
  #attached: Attached | undefined
  /** Until then, users would not hear its clients. */
  #attaching: Promise<void> | undefined
  #connectionCount = 0
  #closing = false

  constructor(options: BrokerOptions) {
    checkAedesVersion()
    const { auth, store, revocations, counts, metrics, logger, limits, tally } = options
    const now = options.now ?? Date.now
    const monotonic = options.monotonic ?? (() => performance.now())
    const turns = new Turns()
    const randomId = options.randomId ?? createRandomId()
    const wills = new DelayedWills({ store, logger, now, publish: (value) => publishStoredWill(this.#node, value) })
    const sessions = new DeviceSessions({ store, revocations, metrics, logger, limits, turns, wills, now, monotonic })
    this.#options = options
    this.#forwarding = new Forwarding(options.trustedProxies)
    this.admission = new Admission(limits, sharedCount(tally, 'connections'))
    this.#context = {
      limits,
      metrics,
      traffic: new Traffic(),
      logger,
      now,
      monotonic,
      wheel: new TimerWheel(monotonic),
      flusher: new Flusher(),
      framers: new Framers(),
      budgets: new WorkBudgets(limits.work, turns, monotonic),
      connections: new Set(),
      route: (connection, connect) => this.#route.run(connection, connect, this.#arrivedBy(connection.stream)),
    }
    const connects = new RateByKey(limits.connectsPerToken, monotonic, sharedCount(tally, 'connectsPerToken'))
    const publishes = new Rates(limits.devicePublishes, monotonic, sharedCount(tally, 'devicePublishes'))
    const providerPublishes = new Rates(limits.providerPublishes, monotonic, sharedCount(tally, 'providerPublishes'))
    const publish = (value: Uint8Array) => publishStoredProviderWill(this.#providers, value)
    const providerWills = new DelayedWills({ store, logger, now, publish })
    const providerSessions = new ProviderSessions({ store, logger, wills: providerWills, limits, monotonic })
    const underWay = options.underWay ?? new UnderWay(limits.providerUnderWay, monotonic)
    this.#providers = {
      auth,
      store,
      sessions: providerSessions,
      wills: providerWills,
      metrics,
      logger,
      limits,
      now,
      randomId,
      quotas: options.quotas ?? new QuotaLeases({ store, now }),
      monotonic,
      accept: createAccept({ auth, store, underWay, metrics, limits, now, randomId }),
      mayPublish: ({ name }) => providerPublishes.take(name),
      room: ({ name }) => underWay.room(name),
      publishState: async (from, { topic, payload, qos, retain }) => {
        // The bytes may be the decoder's.
        const state = { topic, payload: Buffer.from(payload), qos, retain }
        await this.#users?.router.publish(generalMessageOfWill({ now, randomId }, state, from))
      },
    }
    this.#node = {
      auth,
      store,
      revocations,
      strictExpiry: options.strictExpiry ?? false,
      sessions,
      counts,
      wills,
      metrics,
      logger,
      limits,
      now,
      monotonic,
      tracing: options.tracing,
      connects,
      publishes,
      randomId,
    }
    this.#users = this.#userNode(options, { now, monotonic, randomId, turns })
    this.#route = new ConnectRoute({
      auth,
      logger,
      devices: this.#node,
      providers: this.#providers,
      general: this.#users,
      users: options.users,
      connects: new RateByKey(limits.connectsPerAddress, monotonic, sharedCount(tally, 'connectsPerAddress')),
      isClosing: () => this.#closing,
      attached: () => this.#attached,
      attaching: () => this.#attaching,
    })
    auth.onKeyRetired((kid) => sessions.endSignedBy(kid))
    sessions.start()
    providerSessions.start()
    this.#users?.sessions.start()
  }

  #userNode(
    { general, users, generalRules, metrics, logger, limits }: BrokerOptions,
    own: Pick<UserNode, 'now' | 'randomId' | 'turns'> & { readonly monotonic: () => number },
  ): UserNode | undefined {
    if (general === undefined) return undefined
    const { store } = general
    if (users !== undefined) this.#known.addDefault(users)
    const { monotonic, ...shared } = own
    const wills = new DelayedWills({
      store,
      logger,
      now: own.now,
      publish: async (value) => {
        if (this.#users !== undefined) await publishStoredUserWill(this.#users, value)
      },
    })
    return {
      store,
      router: general.router,
      groups: general.groups,
      sessions: new UserSessions({ store, logger, wills, limits, monotonic, turns: own.turns }),
      wills,
      packets: new PacketsOfOne(),
      metrics,
      logger,
      limits,
      known: this.#known,
      terms: new UserTerms(limits, generalRules ?? NO_GENERAL_RULES),
      ...shared,
    }
  }

  /**
   * From now on, connections that are not ours go to this broker; call it once, before there are any.
   * @throws Error in one sentence
   */
  attach(broker: Aedes, persistence?: NativePersistence): void {
    if (this.#attached !== undefined) throw new Error('push.attach: a broker is attached already')
    if (this.#connectionCount > 0) throw new Error('push.attach: attach the broker before push gets connections')
    this.#attached = new Attached(broker)
    this.#attaching = this.#options.general?.router.attach(broker, persistence)
  }

  /** Of general topics of this process. */
  get generalAccess(): GeneralAccess {
    return {
      setLocal: (topic, payload, { qos }) => this.#general().router.setLocal(topic, payload, qos),
      counts: () => this.#counts(),
      stored: () => this.#general().stored.counts(),
    }
  }

  #general(): GeneralTopics {
    const { general } = this.#options
    if (general === undefined) throw new Error('there are no general topics here')
    return general
  }

  #counts(): GeneralCounts {
    const { own, shared } = this.#general().router.subscriptions
    let packetsWaiting = 0
    let bytesWaiting = 0
    for (const { waiting } of this.#context.connections) {
      packetsWaiting += waiting.packets
      bytesWaiting += waiting.bytes
    }
    const { traffic, metrics } = this.#context
    const publishesDropped = traffic.publishesDropped + metrics.dropped.counts.session
    const now = { packetsWaiting, bytesWaiting, subscriptions: own, sharedSubscriptions: shared }
    return { ...traffic, publishesDropped, ...now }
  }

  /** Takes a connection: a socket, a WebSocket as a stream, any Duplex; with the rules of its listener. */
  handle = (stream: Duplex, request?: IncomingMessage, rules?: ListenerRules): void => {
    const address = request === undefined ? peerOf(stream) : this.#forwarding.addressOf(request)
    const isCounted = request !== undefined && this.#counted.has(request.socket)
    try {
      if (stream.destroyed) return
      if (this.#closing) throw new PushError('SHUTTING_DOWN')
      if (!isCounted) this.admission.enter(address)
      else if (this.#isProxied(request.socket)) stream.on('close', this.admission.holdAddress(address))
    } catch (error) {
      this.#turnAway(stream, error, address)
      return
    }
    const id = `c${(++this.#connectionCount).toString(36)}`
    const connection = new Connection(stream, this.#context, id, address)
    if (!isCounted) connection.released = this.#released
    if (request !== undefined) this.#requests.set(stream, request)
    if (rules !== undefined) this.#ruled(stream, rules)
    this.#context.traffic.socketsOpened += 1
    connection.tellsReasons = rules?.reasonStrings !== false
    this.#context.connections.add(connection)
  }

  readonly #released = ({ remoteAddress }: Connection): void => this.admission.leave(remoteAddress)

  #ruled(stream: Duplex, rules: ListenerRules): void {
    this.#rules.set(stream, rules)
    if (rules.users !== undefined) this.#known.add(rules.users)
  }

  /** A key of the store is another one, or gone. */
  keyChanged(id: string): void {
    this.#providers.sessions.keyChanged(id)
  }

  /** Counts a connection of HTTP among all; one that is too many is closed. */
  admit = (socket: Socket): void => {
    const address = peerOf(socket)
    try {
      // For a proxied connection, each request tells its client.
      socket.on('close', this.admission.hold(this.#isProxied(socket) ? undefined : address))
      this.#counted.add(socket)
    } catch (error) {
      this.#turnAway(socket, error, address)
    }
  }

  /**
   * Counts a request that came through a proxy among the connections of its client, until the result is called.
   * @throws PushError ADDRESS_CONNECTIONS_LIMIT
   */
  admitRequest = (request: IncomingMessage): (() => void) | undefined =>
    this.#isProxied(request.socket) ? this.admission.holdAddress(this.#forwarding.addressOf(request)) : undefined

  #isProxied({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): boolean {
    return this.#forwarding.isProxy(remoteAddress)
  }

  #turnAway(stream: Duplex, error: unknown, address: string): void {
    const { metrics, logger } = this.#context
    const { code } = error instanceof PushError ? error : new PushError('INTERNAL')
    metrics.disconnects.inc({ code })
    logger.info({ address, code }, 'connection refused')
    stream.on('error', () => undefined)
    stream.destroy()
  }

  /** Takes no more connections, tells MQTT 5 clients 0x8B, and writes what sessions leave. The store stays open. */
  async close(): Promise<void> {
    this.#closing = true
    this.#known.close()
    const stopped = this.#node.sessions.stop()
    // Providers hear the wills of devices, but not for as long as a store that is away lets everybody wait.
    await Promise.race([stopped, setTimeout(WILLS_MS, undefined, { ref: false })])
    const providersStopped = this.#providers.sessions.stop()
    for (const connection of [...this.#context.connections]) connection.end(new PushError('SHUTTING_DOWN'))
    await Promise.all([stopped, providersStopped, this.#users?.sessions.stop()])
    this.#context.wheel.stop()
  }

  #arrivedBy(stream: Duplex) {
    const request = this.#requests.get(stream)
    this.#requests.delete(stream)
    return { request, rules: this.#rules.get(stream) ?? NO_RULES }
  }
}

function peerOf(stream: Duplex): string {
  const { remoteAddress } = stream as { readonly remoteAddress?: unknown }
  return typeof remoteAddress === 'string' ? remoteAddress : ''
}
