/** Everything that touches Aedes: how it is made ours, and the hooks that keep its clients away from push topics. */
import type { Aedes, AedesOptions, AedesPublishPacket, Client } from 'aedes'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import { mayProviderSubscribe, parseTopic, type Provider } from '../../topics/index.ts'
import type { Accept } from '../accept.ts'
import type { ConnectPacket, PublishPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { DeviceNode, UpstreamMessage } from '../device/node.ts'
import { AedesLink } from './link.ts'
import { toAedesPacket, withoutKeepAlive } from './packets.ts'
import { withSetup, type AedesPersistence, type OtherState } from './persistence.ts'
import { AedesRole } from './role.ts'

export interface AedesSideOptions {
  readonly accept: Accept
  readonly logger: Logger
  /** Unacknowledged QoS 1 messages of one client. */
  readonly receiveMaximum: number
  readonly maximumPacketSize: number
  readonly connectTimeoutMs: number
  /** Made afresh for every process: persistence keys by it, and a repeated one misdelivers. */
  readonly brokerId: string
  /** Where the embedder brings none of its own. */
  readonly other: OtherState
  /** Takes every connection in place of `broker.handle`. */
  readonly handle: (...args: Parameters<Aedes['handle']>) => void
}

type Callback = (error?: Error | null) => void

/** Session and will state in Aedes is by client id; these ids are ours alone. */
const RESERVED = '$push/'
/** Where Aedes publishes what was accepted before: below `$SYS/`, so that no wildcard matches it, and forwarded to nobody. */
const ACCEPTED = '$SYS/push/accepted'

export class AedesSide {
  readonly receiveMaximum: number
  readonly accept: Accept
  readonly #options: AedesSideOptions
  readonly #providers = new WeakMap<object, Provider>()
  #broker: Aedes | undefined
  #original: Aedes['handle'] | undefined
  #own: AedesOptions = {}
  readonly #waiting = new Set<(error: PushError) => void>()

  constructor(options: AedesSideOptions) {
    this.#options = options
    this.receiveMaximum = options.receiveMaximum
    this.accept = options.accept
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
    this.#own = own
    const { brokerId, maximumPacketSize, receiveMaximum } = this.#options
    return {
      connectTimeout: this.#options.connectTimeoutMs,
      maximumPacketSize,
      receiveMaximum,
      maxClientsIdLength: 65_535,
      id: brokerId,
      ...(this.#options.other.mq === undefined ? {} : { mq: this.#options.other.mq }),
      ...own,
      // The gate takes none [MQTT-3.3.2-9].
      topicAliasMaximum: 0,
      persistence: withSetup(own.persistence ?? this.#options.other.persistence, (broker) => this.#adopt(broker)),
      preConnect: (client, packet, callback) => this.#preConnect(client, packet, callback),
      authenticate: (client, username, password, callback) => this.#authenticate(client, username, password, callback),
      authorizePublish: (client, packet, callback) => this.#authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, subscription, callback) => this.#authorizeSubscribe(client, subscription, callback),
      authorizeForward: (client, packet) => this.#authorizeForward(client, packet),
    }
  }

  /** A CONNECT that is not a device's. Resolves when it is answered. */
  async connect(connection: Connection, connect: ConnectPacket, provider: Provider | undefined): Promise<void> {
    const link = new AedesLink(connection)
    if (provider !== undefined) this.#providers.set(link, provider)
    if (this.#original === undefined) throw new PushError('SHUTTING_DOWN')
    const client = this.#original.call(this.broker, link)
    const role = new AedesRole(this, connection, link, client, provider)
    const limited = (this.#own.keepaliveLimit ?? 0) > 0
    const answered = new Promise<void>((resolve) => {
      link.answered = resolve
      connection.stream.once('close', resolve)
    })
    link.feed(limited ? Buffer.from(connect.raw) : withoutKeepAlive(connect.raw))
    await answered
    if (connection.open) connection.admit(role, limited ? 0 : connect.keepAlive, 0)
    else role.closed(undefined)
  }

  /** A QoS 1 PUBLISH of somebody who is not a provider, as Aedes would handle it, but answered after it is stored. */
  async publish(client: Client, packet: PublishPacket): Promise<void> {
    const publication = toAedesPacket(packet)
    await new Promise<void>((resolve, reject) => {
      this.#authorizePublish(client, publication, (error) => (error ? reject(refusal(error)) : resolve()))
    })
    await this.#stored((callback) => {
      // The types leave out the publishing client, which No Local needs.
      const publish = this.broker.publish as unknown as (packet: object, client: Client, callback: Callback) => void
      publish.call(this.broker, publication, client, callback)
    })
  }

  /**
   * What a device sends to its providers: an ordinary publish in Aedes. Resolves when it is stored for them. Like other
   * push messages it goes on with QoS 1 at most, as was granted: Aedes keeps no order in what it sends with QoS 2.
   */
  upstream: DeviceNode['upstream'] = (message: UpstreamMessage) => {
    const packet = toAedesPacket({ ...message, qos: message.qos === 0 ? 0 : 1, dup: false })
    return this.#stored((callback) => this.broker.publish(packet, callback))
  }

  /** Where its persistence fails, Aedes emits `error` and forgets the callback: then all that wait are told. */
  #stored(publish: (callback: Callback) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.add(reject)
      publish((error) => {
        this.#waiting.delete(reject)
        if (error) reject(new PushError('STORE_UNAVAILABLE', 'MQTT state', { cause: error }))
        else resolve()
      })
    })
  }

  touch(client: Client): void {
    if ((this.#own.keepaliveLimit ?? 0) === 0) return
    ;(client as Client & { _keepaliveTimer?: NodeJS.Timeout | null })._keepaliveTimer?.refresh()
  }

  async close(): Promise<void> {
    const broker = this.#broker
    if (broker === undefined || broker.closed) return
    await new Promise<void>((resolve) => broker.close(() => resolve()))
  }

  /** Aedes calls `persistence.setup` before it serves: the one moment when we can make it ours. */
  #adopt(broker: Aedes): void {
    this.#broker = broker
    this.#original = broker.handle
    const adopted = broker as unknown as { clients: object; brokers: object; handle: AedesSideOptions['handle'] }
    // Plain objects are searched by client id: `constructor` or `__proto__` would find something there, and kill the process.
    adopted.clients = Object.assign(Object.create(null) as object, adopted.clients)
    adopted.brokers = Object.assign(Object.create(null) as object, adopted.brokers)
    adopted.handle = this.#options.handle
    ;(broker as NodeJS.EventEmitter).on('error', (error: unknown) => {
      this.#options.logger.error({ err: error }, 'Aedes could not keep its state')
      const waiting = [...this.#waiting]
      this.#waiting.clear()
      for (const reject of waiting) reject(new PushError('STORE_UNAVAILABLE', 'MQTT state', { cause: error }))
    })
    broker.on('clientError', (client, error) => {
      this.#options.logger.debug({ connection: linkOf(client)?.connection.id, err: error.message }, 'closed by Aedes')
    })
    broker.on('clientReady', endAgain)
    broker.on('connackSent', (_packet, client) => linkOf(client)?.answered())
  }

  #preConnect(...[client, packet, callback]: Parameters<NonNullable<AedesOptions['preConnect']>>): void {
    const { subscriptions } = client as unknown as { subscriptions: object }
    Object.setPrototypeOf(subscriptions, null)
    if (this.#own.preConnect === undefined) callback(null, true)
    else this.#own.preConnect(client, packet, callback)
  }

  #authenticate(
    ...[client, username, password, callback]: Parameters<NonNullable<AedesOptions['authenticate']>>
  ): void {
    const provider = this.#providerOf(client)
    const named = client as { id: string }
    if (provider !== undefined) {
      // A client id never reaches another principal's session: a provider's live under its own name.
      named.id = `${RESERVED}p/${encodeURIComponent(provider.name)}/${client.id}`
      callback(null, true)
    } else if (client.id.startsWith(RESERVED)) {
      callback(Object.assign(new Error('identifier rejected'), { returnCode: 2 }), false)
    } else if (this.#own.authenticate === undefined) {
      callback(Object.assign(new Error('not authorized'), { returnCode: 5 }), false)
    } else {
      this.#own.authenticate(client, username, password, callback)
    }
  }

  /** Reached by wills, by QoS 2, and by what does not come through the gate; the rest was accepted before Aedes. */
  #authorizePublish(...[client, packet, callback]: Parameters<NonNullable<AedesOptions['authorizePublish']>>): void {
    const provider = client === null ? undefined : this.#providerOf(client)
    const answer: typeof callback = (error) => {
      if (error && client !== null) linkOf(client)?.refused(packet.messageId)
      callback(error)
    }
    if (provider !== undefined && client !== null) {
      this.#acceptFromAedes(provider, client, packet).then(() => answer(null), answer)
    } else if (client === null && isOfProvider(packet)) {
      answer(new PushError('TOPIC_FORBIDDEN', 'the will of a provider whose node died'))
    } else if (isReserved(packet.topic)) {
      answer(new PushError('TOPIC_FORBIDDEN', 'private and upstream topics are for providers and devices'))
    } else if (this.#own.authorizePublish === undefined) {
      answer(packet.topic.startsWith('$SYS/') ? new PushError('TOPIC_FORBIDDEN', '$SYS is reserved') : null)
    } else {
      this.#own.authorizePublish(client, packet, answer)
    }
  }

  async #acceptFromAedes(
    provider: Provider,
    client: Client,
    packet: Parameters<NonNullable<AedesOptions['authorizePublish']>>[1],
  ): Promise<void> {
    const { persistence } = this.broker as unknown as { persistence: AedesPersistence }
    // [MQTT-4.3.3-10] a QoS 2 message that came before, and waits for its PUBREL, is not accepted again
    if (packet.qos === 2 && (await known(persistence, client, packet))) return
    const properties = packet.properties ?? {}
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    await this.accept(provider, {
      topic: packet.topic,
      payload,
      qos: packet.qos,
      retain: packet.retain,
      properties: fromAedes(properties),
    })
    // Aedes goes on to publish it: to nobody, and nothing of it is to be kept or queued there.
    Object.assign(packet, { topic: ACCEPTED, payload: Buffer.alloc(0), retain: false, properties: {} })
  }

  #authorizeSubscribe(
    ...[client, subscription, callback]: Parameters<NonNullable<AedesOptions['authorizeSubscribe']>>
  ): void {
    const provider = this.#providerOf(client)
    if (provider !== undefined) {
      callback(null, mayProviderSubscribe(provider, subscription.topic) ? subscription : null)
    } else if (this.#own.authorizeSubscribe === undefined) {
      callback(null, subscription)
    } else {
      this.#own.authorizeSubscribe(client, subscription, callback)
    }
  }

  /** What a device sends upstream reaches its providers only, whatever wildcard somebody else subscribed to. */
  #authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null | void {
    if (packet.topic === ACCEPTED) return null
    const topic = parseTopic(packet.topic)
    const provider = this.#providerOf(client)
    if (topic?.kind === 'upstream' && (provider === undefined || !mayProviderSubscribe(provider, packet.topic)))
      return null
    if (provider !== undefined || this.#own.authorizeForward === undefined) return packet
    return this.#own.authorizeForward(client, packet)
  }

  #providerOf(client: Client): Provider | undefined {
    return this.#providers.get(client.conn)
  }
}

/** A client that closed while it was connecting is registered and subscribed all the same: it has to be closed again. */
function endAgain(client: Client): void {
  if (!client.closed) return
  ;(client as { closed: boolean }).closed = false
  client.close()
}

function isReserved(topic: string): boolean {
  const kind = parseTopic(topic)?.kind
  return kind === 'private' || kind === 'upstream'
}

/** A stored will names the client it was of. */
function isOfProvider(packet: object): boolean {
  const { clientId } = packet as { clientId?: unknown }
  return typeof clientId === 'string' && clientId.startsWith(RESERVED)
}

function linkOf(client: Client): AedesLink | undefined {
  return client.conn instanceof AedesLink ? client.conn : undefined
}

function refusal(error: Error): PushError {
  return error instanceof PushError ? error : new PushError('TOPIC_FORBIDDEN', error.message)
}

async function known(persistence: AedesPersistence, client: Client, packet: object): Promise<boolean> {
  try {
    await persistence.incomingGetPacket(client, packet)
    return true
  } catch {
    return false
  }
}

/** mqtt-packet gives user properties as an object of names; ours are pairs, in order. */
function fromAedes(properties: object): PublishPacket['properties'] {
  const { userProperties, payloadFormatIndicator, ...rest } = properties as Record<string, unknown>
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries((userProperties ?? {}) as Record<string, string | string[]>)) {
    for (const each of Array.isArray(value) ? value : [value]) pairs.push([name, each])
  }
  return {
    ...(rest as PublishPacket['properties']),
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator ? 1 : 0 }),
    ...(pairs.length === 0 ? {} : { userProperties: pairs }),
  }
}
