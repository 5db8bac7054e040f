/**
 * The hooks of Aedes: who somebody is, and what may be published, subscribed to and received by whom. Providers have the
 * rules of push topics; everybody else is the embedding program's, away from push topics.
 */
import type { AedesOptions, AedesPublishPacket, Client } from 'aedes'
import type { Logger } from 'pino'
import { PushError, type ErrorCode } from '../../errors.ts'
import type { Metrics } from '../../common/metrics.ts'
import { mayProviderSubscribe, parseTopic, type Provider } from '../../topics/index.ts'
import type { Accept } from '../accept.ts'
import type { QoS } from '../codec/packets.ts'
import { RESERVED, sessionIdOf } from './names.ts'
import { fromAedes } from './packets.ts'

interface HooksOptions {
  readonly accept: Accept
  readonly logger: Logger
  readonly metrics: Metrics
  /** Subscriptions of one provider's connection. */
  readonly subscriptions: number
  /** What the embedding program decides. */
  readonly own: () => AedesOptions
  /** False when this provider publishes faster than it may. */
  readonly mayPublish: (provider: Provider) => boolean
  /** A CONNECT is refused, before Aedes says so with less. */
  readonly refused: (client: Client, error: PushError) => void
  /** The client is known, under the id of its session. */
  readonly open: (client: Client) => Promise<void>
}

/** Where Aedes publishes what was accepted before: below `$SYS/`, so that no wildcard matches it, and forwarded to nobody. */
const ACCEPTED = '$SYS/push/accepted'

export class Hooks {
  readonly #options: HooksOptions
  readonly #providers = new WeakMap<object, Provider>()
  readonly #granted = new WeakMap<Client, Set<string>>()

  constructor(options: HooksOptions) {
    this.#options = options
  }

  get #own(): AedesOptions {
    return this.#options.own()
  }

  /** Who comes over this stream. */
  setProvider(stream: object, provider: Provider): void {
    this.#providers.set(stream, provider)
  }

  unsubscribed(filters: readonly string[], client: Client): void {
    for (const filter of filters) this.#granted.get(client)?.delete(filter)
  }

  /** The granted QoS; undefined when it is refused. */
  mayShare(client: Client, topic: string, qos: QoS): Promise<QoS | undefined> {
    return new Promise((resolve) => {
      this.authorizeSubscribe(client, { topic, qos }, (error, subscription) =>
        resolve(error || !subscription ? undefined : subscription.qos),
      )
    })
  }

  preConnect(...[client, packet, callback]: Parameters<NonNullable<AedesOptions['preConnect']>>): void {
    const { subscriptions } = client as unknown as { subscriptions: object }
    Object.setPrototypeOf(subscriptions, null)
    if (this.#own.preConnect === undefined) callback(null, true)
    else this.#own.preConnect(client, packet, callback)
  }

  authenticate(...[client, username, password, done]: Parameters<NonNullable<AedesOptions['authenticate']>>): void {
    const callback: typeof done = (error, successful) => {
      // A client that is sent to another server is told where by Aedes.
      const isSentOn = error !== null && 'serverReference' in error
      if ((error || successful !== true) && !isSentOn) this.#options.refused(client, refusalOf(error))
      done(error, successful)
    }
    const provider = this.#providerOf(client)
    const named = client as { id: string }
    if (provider !== undefined) {
      named.id = sessionIdOf(provider, client.id)
      this.#authenticated(client, callback)
    } else if (client.id.startsWith(RESERVED)) {
      callback(Object.assign(new Error('identifier rejected'), { returnCode: 2 }), false)
    } else if (this.#own.authenticate === undefined) {
      callback(Object.assign(new Error('not authorized'), { returnCode: 5 }), false)
    } else {
      this.#own.authenticate(client, username, password, (error, successful) => {
        if (!error && successful === true) this.#authenticated(client, callback)
        else callback(error, successful)
      })
    }
  }

  #authenticated(client: Client, callback: Parameters<NonNullable<AedesOptions['authenticate']>>[3]): void {
    this.#options.open(client).then(
      () => callback(null, true),
      (error: unknown) => {
        this.#options.logger.error({ err: error }, 'could not open a session')
        callback(Object.assign(new Error('server unavailable'), { returnCode: 3 }), false)
      },
    )
  }

  /** Reached by wills, and by what does not come through the gate; the rest was accepted before Aedes. */
  authorizePublish(...[client, packet, callback]: Parameters<NonNullable<AedesOptions['authorizePublish']>>): void {
    const provider = client === null ? undefined : this.#providerOf(client)
    const answer = callback
    if (provider !== undefined && client !== null) {
      this.#acceptFromAedes(provider, packet).then(() => answer(null), answer)
    } else if (client === null && isOfProvider(packet)) {
      answer(new PushError('TOPIC_FORBIDDEN', 'the will of a provider whose node died'))
    } else if (isReserved(packet.topic)) {
      answer(new PushError('TOPIC_FORBIDDEN', 'private and upstream topics are for providers and devices'))
    } else if (this.#own.authorizePublish === undefined) {
      // Section 4.7.2; what goes to `$share/` could be subscribed to by nobody.
      const taken = ['$SYS/', '$share/'].find((prefix) => packet.topic.startsWith(prefix))
      answer(taken === undefined ? null : new PushError('TOPIC_FORBIDDEN', `${taken} is reserved`))
    } else {
      this.#own.authorizePublish(client, packet, answer)
    }
  }

  async #acceptFromAedes(
    provider: Provider,
    packet: Parameters<NonNullable<AedesOptions['authorizePublish']>>[1],
  ): Promise<void> {
    if (!this.#options.mayPublish(provider)) {
      this.#options.metrics.rejected.inc({ code: 'PUBLISH_RATE_EXCEEDED' })
      throw new PushError('PUBLISH_RATE_EXCEEDED')
    }
    const properties = packet.properties ?? {}
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    await this.#options.accept(provider, {
      topic: packet.topic,
      payload,
      qos: packet.qos,
      retain: packet.retain,
      properties: fromAedes(properties),
    })
    // Aedes goes on to publish it: to nobody, and nothing of it is to be kept or queued there.
    Object.assign(packet, { topic: ACCEPTED, payload: Buffer.alloc(0), retain: false, properties: {} })
  }

  authorizeSubscribe(
    ...[client, subscription, callback]: Parameters<NonNullable<AedesOptions['authorizeSubscribe']>>
  ): void {
    const provider = this.#providerOf(client)
    if (provider !== undefined) {
      const code = this.#refusesSubscription(provider, client, subscription.topic)
      if (code !== undefined) this.#options.metrics.refusedSubscriptions.inc({ code })
      callback(null, code === undefined ? subscription : null)
    } else if (this.#own.authorizeSubscribe === undefined) {
      callback(null, subscription)
    } else {
      this.#own.authorizeSubscribe(client, subscription, callback)
    }
  }

  /** Aedes asks about all filters of a SUBSCRIBE before it makes the first subscription, so they are counted here. */
  #refusesSubscription(provider: Provider, client: Client, filter: string): ErrorCode | undefined {
    if (!mayProviderSubscribe(provider, filter)) return 'TOPIC_FORBIDDEN'
    const { subscriptions } = client as unknown as { subscriptions: object }
    const granted = this.#granted.get(client) ?? new Set(Object.keys(subscriptions))
    this.#granted.set(client, granted)
    if (!granted.has(filter) && granted.size >= this.#options.subscriptions) return 'SUBSCRIPTIONS_LIMIT'
    granted.add(filter)
    return undefined
  }

  /** What a device sends upstream reaches its providers only, whatever wildcard somebody else subscribed to. */
  authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null | void {
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

/** What an `authenticate` says, in the words of the catalogue; the codes on the wire are those that Aedes sends. */
function refusalOf(error: object | null): PushError {
  const { returnCode } = (error ?? {}) as { returnCode?: unknown }
  switch (returnCode) {
    case 2:
      return new PushError('CLIENT_ID_INVALID')
    case 3:
      return new PushError('USER_UNCHECKED')
    case 4:
      return new PushError('CREDENTIALS_INVALID')
    default:
      return new PushError('USER_REFUSED')
  }
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
