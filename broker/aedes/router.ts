/** Everything that touches Aedes: how it is made ours, and the hooks that keep its clients away from push topics. */
import type { Aedes, AedesOptions, AedesPublishPacket, Client } from 'aedes'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import { Reason, type ConnectPacket, type PublishPacket, type SubscriptionRequest } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { AedesLink } from './link.ts'
import { DelayedWills } from './delayed-wills.ts'
import { withoutKeepAlive } from './packets.ts'
import { Hooks } from './hooks.ts'
import { groupIdOf, sharedFilterOf } from './names.ts'
import { KeptSession } from './kept-session.ts'
import { LiveSessions } from './live-sessions.ts'
import { Outgoing, type OutgoingLimits } from './outgoing.ts'
import type { OutgoingClient } from './outgoing-item.ts'
import { checkOwnOptions } from './own-options.ts'
import { AedesPublisher } from './publisher.ts'
import type { AedesPersistence, GeneralState, SharedSubscription, StoredPacket } from './contract.ts'
import { forAedes } from './persistence.ts'
import { AedesHandler, type AedesHandlerContext } from './handler.ts'
import { lengthByReading, QueueLimit } from './queue-limit.ts'
import { SharedGroups } from './shared-groups.ts'
import type { QueueStorage } from './stored-queue.ts'

type AedesLimits = OutgoingLimits &
  Pick<
    Limits,
    | 'connectTimeoutMs'
    | 'maximumPacketSize'
    | 'receiveMaximum'
    | 'sessionExpiry'
    | 'subscriptions'
    | 'topicAliasMaximum'
  >

interface AedesRouterOptions {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly now: () => number
  /** Milliseconds that only grow, for durations. */
  readonly monotonic: () => number
  readonly randomId: () => string
  readonly limits: AedesLimits
  /** Made afresh for every process: persistence keys by it, and a repeated one misdelivers. */
  readonly brokerId: string
  /** Where the embedder brings none of its own. */
  readonly generalState: GeneralState
  /** Takes every connection in place of `broker.handle`. */
  readonly handle: (...args: Parameters<Aedes['handle']>) => void
}

/** The part of Aedes that its types leave out, or do not let be changed. */
interface Adopted {
  clients: object
  brokers: object
  handle: AedesRouterOptions['handle']
  /** Everything that is kept of a session. */
  _wipeSession: (client: Client) => void
}

type Storage = QueueStorage & Pick<GeneralState, 'records'>

/** Full queues are logged no more often, ms. */
const DROPS_TOLD_MS = 10_000

export class AedesRouter implements AedesHandlerContext {
  readonly receiveMaximum: number
  readonly #options: AedesRouterOptions
  readonly #hooks: Hooks
  #broker: Aedes | undefined
  #wills: DelayedWills | undefined
  #original: Aedes['handle'] | undefined
  #own: AedesOptions = {}
  readonly #sessions: LiveSessions
  readonly #publisher: AedesPublisher
  readonly #groups: SharedGroups
  readonly #handlers = new WeakMap<object, AedesHandler>()
  #storage: Storage
  #limit: QueueLimit | undefined

  constructor(options: AedesRouterOptions) {
    this.#options = options
    this.#storage = this.#storageOf(options.generalState)
    this.#groups = new SharedGroups({
      broker: () => this.broker,
      storage: () => this.#storage,
      store: options.generalState.groups,
      now: options.now,
      logger: options.logger,
    })
    const { logger, limits } = options
    this.#hooks = new Hooks({
      logger,
      own: () => this.#own,
      refused: (client, error) => {
        const connection = linkOf(client)?.connection
        if (connection?.level !== undefined && connection.open) connection.refuse({ level: connection.level }, error)
      },
      open: async (client) => {
        const handler = this.#handlers.get(client.conn)
        if (handler !== undefined) await this.#sessions.open(client, handler)
      },
    })
    this.#sessions = new LiveSessions({
      broker: () => this.broker,
      logger,
      opened: async (clientId, opened) => this.#wills?.cameBack(clientId, opened),
    })
    this.#publisher = new AedesPublisher({
      broker: () => this.broker,
      hooks: this.#hooks,
      persistence: () => this.#storage.persistence,
      hasOtherNodes: () => this.#own.mq !== undefined || options.generalState.mq !== undefined,
    })
    this.receiveMaximum = limits.receiveMaximum
  }

  get broker(): Aedes {
    if (this.#broker === undefined) throw new Error('give what aedesOptions() returns to Aedes.createBroker() first')
    return this.#broker
  }

  /** True when connections without a message token or provider key are for somebody else to judge. */
  get hasOwnAuthenticate(): boolean {
    return this.#own.authenticate !== undefined
  }

  /** What `Aedes.createBroker` gets: the embedder's options with ours around them. */
  aedesOptions(own: AedesOptions = {}): AedesOptions {
    checkOwnOptions(own)
    this.#own = own
    const { brokerId, generalState, limits } = this.#options
    if (own.persistence !== undefined)
      this.#storage = this.#storageOf({
        records: generalState.records,
        persistence: own.persistence as AedesPersistence,
      })
    this.#limit = this.#queueLimit()
    return {
      connectTimeout: limits.connectTimeoutMs,
      maximumPacketSize: limits.maximumPacketSize,
      receiveMaximum: limits.receiveMaximum,
      maxClientsIdLength: 65_535,
      id: brokerId,
      ...(this.#options.generalState.mq === undefined ? {} : { mq: this.#options.generalState.mq }),
      ...own,
      // Announced by Aedes, and resolved by the gate.
      topicAliasMaximum: limits.topicAliasMaximum,
      persistence: forAedes(
        this.#storage.persistence,
        this.#limit,
        (broker) => this.#adopt(broker),
        () => this.#groups.start(),
        (client, error) => this.#willStays(client, error),
      ),
      sessionExpiryIntervalLimit: limits.sessionExpiry,
      preConnect: (client, packet, callback) => this.#hooks.preConnect(client, packet, callback),
      authenticate: (client, username, password, callback) =>
        this.#hooks.authenticate(client, username, password, callback),
      authorizePublish: (client, packet, callback) => this.#hooks.authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, subscription, callback) =>
        this.#hooks.authorizeSubscribe(client, subscription, callback),
      authorizeForward: (client, packet) => this.#hooks.authorizeForward(client, packet),
    }
  }

  #storageOf({ records, persistence, take }: Storage): Storage {
    return { records, persistence, take, taken: (clientId) => this.#limit?.made(clientId) }
  }

  #queueLimit(): QueueLimit {
    const { generalState, limits, monotonic, metrics, logger } = this.#options
    const { persistence } = this.#storage
    let toldAt = Number.NEGATIVE_INFINITY
    return new QueueLimit({
      limit: limits.storedMessages,
      lengthOf:
        (persistence === generalState.persistence ? generalState.queueLength : undefined) ??
        lengthByReading(persistence),
      monotonic,
      dropped: (clientId) => {
        metrics.storedDropped.inc()
        if (monotonic() - toldAt < DROPS_TOLD_MS) return
        toldAt = monotonic()
        logger.warn({ clientId }, 'the stored queue of a session is full and drops new messages')
      },
    })
  }

  /** A CONNECT of a user. Resolves when it is answered. */
  async connect(connection: Connection, connect: ConnectPacket): Promise<void> {
    const link = new AedesLink(connection)
    if (this.#original === undefined) throw new PushError('SHUTTING_DOWN')
    const { keepaliveLimit = 0 } = this.#own
    // Aedes would answer with return code 6, which is reserved (3.1.1, table 3.1). MQTT 5 is told a Server Keep Alive.
    if (keepaliveLimit > 0 && connect.level < 5 && (connect.keepAlive === 0 || connect.keepAlive > keepaliveLimit))
      throw new PushError('KEEP_ALIVE_TOO_LONG')
    const client = this.#original.call(this.broker, link)
    const handler = this.#handlerOf(connection, connect, link, client)
    this.#handlers.set(link, handler)
    const limited = keepaliveLimit > 0
    const answered = new Promise<void>((resolve) => {
      link.answered = resolve
      connection.onceOver(resolve)
    })
    link.feed(limited ? Buffer.from(connect.raw) : withoutKeepAlive(connect.raw))
    // It would wait forever, and with it the client, which may do better with its next connection.
    const late = setTimeout(() => {
      this.#options.logger.error({ connection: connection.id }, 'Aedes did not answer a CONNECT in time')
      connection.refuse(connect, new PushError('STORE_UNAVAILABLE', 'MQTT state'))
    }, this.#options.limits.connectTimeoutMs)
    await answered
    clearTimeout(late)
    if (!connection.open) return handler.closed(undefined)
    connection.admit(handler, limited ? 0 : connect.keepAlive, 0)
    handler.outgoing.start()
    try {
      for (const shared of handler.session.shared.values()) await this.#join(handler, shared)
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'could not resume a shared subscription')
      connection.end(new PushError('STORE_UNAVAILABLE', 'MQTT state'))
    }
  }

  #handlerOf(connection: Connection, connect: ConnectPacket, link: AedesLink, client: Client): AedesHandler {
    const { metrics, limits, now, randomId, logger } = this.#options
    const session = new KeptSession({
      client: client as Client & { clean: boolean },
      cleanStart: connect.cleanStart,
      storage: this.#storage,
      owner: randomId(),
      now,
      leaveGroup: (name, member) => this.#groups.leave(groupIdOf(name), client.id, member),
      failed: (error) => logger.debug({ connection: connection.id, err: error }, 'a message stays in its queue'),
    })
    const outgoing = new Outgoing({
      connection,
      connect,
      client: client as unknown as OutgoingClient,
      limits,
      metrics,
      now,
      randomId,
      authorize: (packet) => this.#forwarded(client, packet),
      save: () => session.save(),
      roomMade: () => {
        for (const name of session.shared.keys()) this.#groups.roomMade(groupIdOf(name))
      },
      acknowledged: (packet) => void this.broker.emit('ack', packet as unknown as AedesPublishPacket, client),
    })
    const deliver = (packet: StoredPacket, done: () => void) => {
      outgoing.deliver(packet)
      done()
    }
    // What Aedes sends to a client goes through these two, whatever the reason.
    Object.assign(client, { deliver0: deliver, deliverQoS: deliver })
    return new AedesHandler({ router: this, connection, connect, link, client, outgoing, session })
  }

  /** The reason code for the SUBACK. */
  async subscribeShared(handler: AedesHandler, request: SubscriptionRequest, identifier: number): Promise<number> {
    const { client, session } = handler
    const filter = sharedFilterOf(request.filter)
    if (filter === undefined) return Reason.topicFilterInvalid
    const granted = await this.#hooks.mayShare(client, filter, request.qos)
    if (granted === undefined) return Reason.notAuthorized
    if (!session.shared.has(request.filter) && session.shared.size >= this.#options.limits.subscriptions)
      return Reason.quotaExceeded
    const { filter: name, retainAsPublished } = request
    const shared: SharedSubscription = { name, filter, qos: granted, retainAsPublished, identifier }
    try {
      session.shared.set(name, shared)
      await session.save()
      await this.#join(handler, shared)
      return granted
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'could not create a shared subscription')
      session.shared.delete(name)
      return Reason.unspecifiedError
    }
  }

  async unsubscribeShared({ client, session }: AedesHandler, name: string): Promise<number> {
    if (!session.shared.delete(name)) return Reason.noSubscriptionExisted
    await session.save()
    await this.#groups.leave(groupIdOf(name), client.id, session.member)
    return Reason.success
  }

  #join({ client, outgoing, session }: AedesHandler, subscription: SharedSubscription): Promise<void> {
    const member = { clientId: client.id, name: session.member, subscription, outgoing, kept: session.isKept }
    return this.#groups.join(groupIdOf(subscription.name), member)
  }

  /** The connection of a handler has ended. */
  left(handler: AedesHandler): void {
    for (const name of handler.session.shared.keys()) this.#groups.disconnect(groupIdOf(name), handler.client.id)
    this.#sessions.left(handler)
  }

  /** What is kept of an earlier will of this client could not be taken away: it must not connect and have it sent. */
  #willStays(client: object, error: unknown): void {
    this.#options.logger.warn({ err: error }, 'could not remove a stored will')
    const connection = 'conn' in client && client.conn instanceof AedesLink ? client.conn.connection : undefined
    if (connection?.level === undefined || connection.handler !== undefined) return
    connection.refuse({ level: connection.level }, new PushError('STORE_UNAVAILABLE', 'MQTT state'))
  }

  #forwarded(client: Client, packet: StoredPacket): StoredPacket | undefined {
    const forward = this.#hooks.authorizeForward(client, packet as unknown as AedesPublishPacket)
    return (forward as unknown as StoredPacket | null | undefined) ?? undefined
  }

  publish(client: Client, packet: PublishPacket): Promise<number> {
    return this.#publisher.publish(client, packet)
  }

  touch(client: Client): void {
    if ((this.#own.keepaliveLimit ?? 0) === 0) return
    ;(client as Client & { _keepaliveTimer?: NodeJS.Timeout | null })._keepaliveTimer?.refresh()
  }

  async close(): Promise<void> {
    const broker = this.#broker
    this.#groups.stop()
    await this.#sessions.written()
    if (broker === undefined || broker.closed) return
    await new Promise<void>((resolve) => broker.close(() => resolve()))
  }

  /** Aedes calls `persistence.setup` before it serves: the one moment when we can make it ours. */
  #adopt(broker: Aedes): void {
    this.#broker = broker
    this.#original = broker.handle
    const failed = (error: unknown) => this.#options.logger.warn({ err: error }, 'could not process a will')
    const wills = new DelayedWills({ broker, stored: (publish) => this.#publisher.stored(publish), failed })
    this.#wills = wills
    const adopted = broker as unknown as Adopted
    // Plain objects are searched by client id: `constructor` or `__proto__` would find something there, and kill the process.
    adopted.clients = Object.assign(Object.create(null) as object, adopted.clients)
    adopted.brokers = Object.assign(Object.create(null) as object, adopted.brokers)
    adopted.handle = this.#options.handle
    // It would wipe, without asking, what may have been resumed on another node: a session is dropped by itself.
    adopted._wipeSession = ({ id }) => void wills.forget(id).catch(failed)
    ;(broker as NodeJS.EventEmitter).on('error', (error: unknown) => {
      this.#options.logger.error({ err: error }, 'Aedes could not store its state')
      this.#publisher.failed(error)
    })
    broker.on('clientError', (client, error) => {
      this.#options.logger.debug({ connection: linkOf(client)?.connection.id, err: error.message }, 'closed by Aedes')
    })
    const expired = ({ conn }: Client) => {
      const handler = this.#handlers.get(conn)
      if (handler !== undefined) this.#sessions.expired(handler)
    }
    broker.on('sessionExpired', expired)
    broker.on('sessionLimitReached', (client, { reason }) => {
      if (reason === 'sessionExpiry') expired(client)
    })
    broker.on('clientReady', endAgain)
    broker.on('connackSent', (_packet, client) => linkOf(client)?.answered())
  }
}

/** A client that closed while it was connecting is registered and subscribed all the same: it has to be closed again. */
function endAgain(client: Client): void {
  if (!client.closed) return
  ;(client as { closed: boolean }).closed = false
  client.close()
}

function linkOf(client: Client): AedesLink | undefined {
  return client.conn instanceof AedesLink ? client.conn : undefined
}
