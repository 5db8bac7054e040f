/** The live connection of a provider: which packet goes to which handler, and what the session remembers. */
import { PushError, type ErrorCode } from '../../errors.ts'
import type { OpenedNamedSession, UpstreamEntry } from '../../store/contract.ts'
import { isWithin, type Provider } from '../../topics/index.ts'
import { encodeSuback, encodeUnsuback, PINGRESP } from '../codec/encoder.ts'
import {
  Reason,
  type ConnectPacket,
  type DisconnectPacket,
  type Packet,
  type ProtocolLevel,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
  type Will,
} from '../codec/packets.ts'
import { filterMatches } from '../codec/topic-syntax.ts'
import type { Connection } from '../gate/connection.ts'
import type { PacketHandler } from '../gate/packet-handler.ts'
import { ProviderGroups, UNKEPT_MS } from './provider-groups.ts'
import type { ProviderNode } from './provider-node.ts'
import { ProviderPublisher } from './provider-publish.ts'
import type { LiveProviderSession } from './provider-sessions.ts'
import { encodeProviderState, type ProviderState, sessionReader } from './provider-state.ts'
import { placeOf, type ProviderSubscription, ProviderSubscriptions } from './provider-subscriptions.ts'
import { Expiry } from './expiry.ts'
import { encodeProviderWill, publishProviderWill } from './provider-will.ts'
import { UpstreamDrain, type UpstreamDrainContext } from './upstream-drain.ts'

export interface ProviderStart {
  readonly node: ProviderNode
  readonly connection: Connection
  readonly provider: Provider
  /** It came with the name and password of this user. */
  readonly user: string | undefined
  readonly name: string
  readonly connect: ConnectPacket
  readonly opened: OpenedNamedSession
  readonly resumed: ProviderState | undefined
}

/** SUBACK of MQTT 3.1.1 knows one failure. */
const FAILURE_V3 = 0x80
/** A reader outlives its session by this, so that it need not be written when a connection comes or goes, ms. */
const MARGIN_MS = 24 * 60 * 60 * 1000

export class ProviderSession implements PacketHandler, LiveProviderSession, UpstreamDrainContext {
  readonly principal = 'provider'
  readonly node: ProviderNode
  readonly connection: Connection
  /** As its key was when somebody looked last. */
  provider: Provider
  readonly user: string | undefined
  readonly name: string
  readonly level: ProtocolLevel
  readonly epoch: number
  readonly wantsReasons: boolean
  readonly keepAlive: number
  readonly subscriptions = new ProviderSubscriptions()
  readonly received: Set<number>
  readonly expiry: Expiry
  readonly drain: UpstreamDrain
  readonly #publisher: ProviderPublisher
  readonly #incarnation: string
  readonly #groups: ProviderGroups
  readonly #will: Will | undefined
  #sendsWill = true
  #closed = false
  /** Nothing is sent before the CONNACK. */
  #begun = false

  constructor({ node, connection, provider, user, name, connect, opened, resumed }: ProviderStart) {
    this.node = node
    this.connection = connection
    this.provider = provider
    this.user = user
    this.name = name
    this.level = connect.level
    this.epoch = opened.epoch
    this.wantsReasons = connect.properties.requestProblemInformation !== 0
    this.keepAlive = connect.keepAlive
    this.expiry = new Expiry(connect, node.limits)
    this.#incarnation = resumed?.incarnation ?? node.randomId()
    this.received = new Set(resumed?.received)
    // The provider may have lost an app since.
    for (const subscription of resumed?.subscriptions ?? [])
      if (placeOf(provider, subscription.name) !== undefined) this.subscriptions.set(subscription)
    this.#will = connect.will && { ...connect.will, payload: Buffer.from(connect.will.payload) }
    const sent = opened.unclean && resumed !== undefined ? undefined : (resumed?.sent ?? [])
    this.drain = new UpstreamDrain(this, connect, sent)
    this.#publisher = new ProviderPublisher(this)
    this.#groups = new ProviderGroups(this)
  }

  get sessionName(): string {
    return this.name
  }

  /** There is somebody to send to. */
  get live(): boolean {
    return this.#begun && !this.#closed && this.connection.open && !this.connection.isParting && this.#keyHolds()
  }

  /** False also where nobody knows. */
  #keyHolds(): boolean {
    const { provider, node } = this
    if (provider.keyId === undefined) return true
    try {
      return node.auth.providerNow(provider) !== undefined
    } catch (error) {
      if (error instanceof PushError) return false
      throw error
    }
  }

  /** A key that holds no more, or lost something, ends the connection: what comes next is checked from the start. */
  recheckKey(): void {
    let now: Provider | undefined
    try {
      const { auth } = this.node
      now = this.user === undefined ? auth.providerNow(this.provider) : auth.providerOfUser(this.user)
    } catch (error) {
      // Nothing is sent until it is known again.
      if (error instanceof PushError) return
      throw error
    }
    if (now === undefined || now.name !== this.provider.name || !isWithin(this.provider, now))
      return this.end(new PushError('KEY_REVOKED'))
    this.provider = now
    this.drain.drained()
  }

  handle(packet: Packet): void | Promise<void> {
    switch (packet.type) {
      case 'puback':
        return this.drain.acknowledged(packet.packetId)
      case 'pingreq':
        return this.connection.write(PINGRESP)
      case 'publish':
        return this.#publisher.handle(packet)
      case 'pubrel':
        return this.#publisher.release(packet.packetId)
      case 'subscribe':
        return this.#subscribe(packet)
      case 'unsubscribe':
        return this.#unsubscribe(packet)
      case 'disconnect':
        return this.#disconnected(packet)
      case 'pubrec':
      case 'pubcomp':
        // Upstream messages have QoS 1 at most.
        throw new PushError('PROTOCOL_ERROR', `${packet.type.toUpperCase()} for a message that was not sent`)
      case 'connect':
      case 'auth':
        throw new PushError('PROTOCOL_ERROR', `${packet.type.toUpperCase()} is not expected here`)
    }
  }

  drained(): void {
    this.drain.drained()
  }

  end(error: PushError): void {
    this.connection.end(error)
  }

  arrived(app: string, part: number, offset: number, entry: UpstreamEntry | undefined): void {
    this.drain.arrived(app, part, offset, entry)
  }

  moved(): void {
    this.node.sessions.moved(this)
  }

  roomMade(): void {
    this.#groups.run()
  }

  async commit(): Promise<void> {
    for (const app of this.subscriptions.apps()) {
      const moves = this.drain.moves(app)
      if (moves.length === 0) continue
      const isKnown = await this.node.store.moveReader(app, this.#reader, moves)
      this.drain.committed(app, moves)
      // The store lost it: what comes from now on is kept again.
      if (!isKnown && this.live) await this.#read(app)
    }
  }

  async look(): Promise<void> {
    if (!this.live) return
    for (const app of this.subscriptions.apps()) await this.#read(app)
    await this.#groups.renewAll()
  }

  /** What it was subscribed to; before its CONNACK. */
  async restore(): Promise<void> {
    for (const app of this.subscriptions.apps()) await this.#read(app)
    for (const subscription of this.subscriptions.all()) {
      if (subscription.group !== undefined) await this.#groups.join(subscription)
      else if (subscription.retainedDue) await this.#addRetained(subscription)
    }
  }

  begin(): void {
    this.#begun = true
    this.drain.run()
    this.roomMade()
  }

  /** In order with what was published before, and with what comes after. */
  async #subscribe(packet: SubscribePacket): Promise<void> {
    await this.#publisher.settled()
    const codes: number[] = []
    const made: ProviderSubscription[] = []
    for (const request of packet.subscriptions)
      codes.push(await this.#subscribeOne(request, packet.properties.subscriptionIdentifier ?? 0, made))
    const kept = made.length === 0 || (await this.#keep())
    const answers = kept ? codes : codes.map(() => this.#failure(Reason.unspecifiedError))
    if (!this.connection.open) return
    this.connection.write(encodeSuback(this.level, packet.packetId, answers))
    if (!kept) return
    for (const subscription of made)
      if (subscription.retainedDue && this.subscriptions.get(subscription.name) === subscription)
        await this.#addRetained(subscription)
  }

  /** The code for the SUBACK. */
  async #subscribeOne(request: SubscriptionRequest, identifier: number, made: ProviderSubscription[]): Promise<number> {
    const { node, subscriptions } = this
    if (!this.#keyHolds()) return this.#failure(Reason.unspecifiedError)
    const place = placeOf(this.provider, request.filter)
    const existing = subscriptions.get(request.filter)
    if (place === undefined) return this.#refuseSubscription('TOPIC_FORBIDDEN', Reason.notAuthorized)
    if (existing === undefined && subscriptions.size >= node.limits.subscriptions)
      return this.#refuseSubscription('SUBSCRIPTIONS_LIMIT', Reason.quotaExceeded)
    // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]; a shared subscription gets none (section 4.8.2)
    const wantsRetained = request.retainHandling === 0 || (request.retainHandling === 1 && existing === undefined)
    const subscription: ProviderSubscription = {
      name: request.filter,
      ...place,
      // [MQTT-3.8.4-8] the granted QoS may be lower: upstream messages are QoS 1
      qos: request.qos === 0 ? 0 : 1,
      retainAsPublished: request.retainAsPublished,
      identifier,
      retainedDue: wantsRetained && place.group === undefined,
    }
    subscriptions.set(subscription)
    try {
      if (place.group === undefined) await this.#read(place.app)
      else await this.#groups.join(subscription)
    } catch (error) {
      if (existing === undefined) subscriptions.delete(request.filter)
      else subscriptions.set(existing)
      node.logger.warn(
        { connection: this.connection.id, err: error },
        'could not subscribe a client; refusing the subscription',
      )
      return this.#failure(Reason.unspecifiedError)
    }
    made.push(subscription)
    return subscription.qos
  }

  #refuseSubscription(code: ErrorCode, reason: number): number {
    this.node.metrics.refusedSubscriptions.inc({ code })
    return this.#failure(reason)
  }

  async #unsubscribe(packet: UnsubscribePacket): Promise<void> {
    await this.#publisher.settled()
    const codes: number[] = []
    for (const filter of packet.filters) {
      const subscription = this.subscriptions.delete(filter)
      codes.push(subscription === undefined ? Reason.noSubscriptionExisted : Reason.success)
      if (subscription === undefined) continue
      if (subscription.group !== undefined) await this.#groups.leave(subscription)
      else if (!this.subscriptions.apps().has(subscription.app)) await this.#stopReading(subscription.app)
    }
    await this.save()
    this.connection.write(encodeUnsuback(this.level, packet.packetId, codes))
  }

  // What it reads

  get #reader(): string {
    return sessionReader({ incarnation: this.#incarnation })
  }

  get readerExpiresAt(): number {
    const { seconds } = this.expiry
    return seconds === 0 ? this.node.now() + UNKEPT_MS : this.node.now() + seconds * 1000 + MARGIN_MS
  }

  async #read(app: string): Promise<void> {
    await this.node.sessions.listen(app, this)
    const parts = await this.node.store.openReader({ app, reader: this.#reader, expiresAt: this.readerExpiresAt })
    const missed = parts.reduce((sum, part) => sum + part.missed, 0)
    if (missed > 0)
      this.node.logger.warn(
        { connection: this.connection.id, app, missed },
        'a provider session missed upstream messages: the log was full',
      )
    this.drain.opened(app, parts)
  }

  async #stopReading(app: string): Promise<void> {
    this.drain.closed(app)
    this.node.sessions.unlisten(app, this)
    await this.node.store.closeReader(app, this.#reader)
  }

  async #addRetained(subscription: ProviderSubscription): Promise<void> {
    const { app, filter } = subscription
    const found = []
    for await (const entry of this.node.store.retainedUpstream(app)) {
      const topic = `${app}/u/${entry.tokenId}/${entry.subject}`
      if (filterMatches(filter, topic.split('/'))) found.push({ entry, subscription })
    }
    if (found.length === 0) subscription.retainedDue = false
    else this.drain.addRetained(found)
  }

  // Keeping and ending

  state(): ProviderState {
    return {
      incarnation: this.#incarnation,
      subscriptions: this.subscriptions.all(),
      sent: this.drain.sentMarks(),
      received: [...this.received],
    }
  }

  /** Keeps the session in the store as it is now, when it outlives the connection. */
  async save(): Promise<void> {
    if (this.expiry.seconds === 0) return
    await this.node.store.saveNamedSession(this.name, this.epoch, encodeProviderState(this.state()))
  }

  /** False if the store does not take it: the subscriptions hold for this connection, but the client is told to retry. */
  async #keep(): Promise<boolean> {
    try {
      await this.save()
      return true
    } catch (error) {
      if (error instanceof PushError && error.code === 'STORE_UNAVAILABLE') return false
      throw error
    }
  }

  #disconnected(packet: DisconnectPacket): void {
    this.expiry.change(packet.properties.sessionExpiryInterval)
    // [MQTT-3.14.4-3] the will goes, unless reason code 0x04 asks for it
    if (packet.reason !== 0x04) this.#sendsWill = false
    this.connection.destroy()
  }

  closed(code: ErrorCode | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#publisher.close()
    const will = this.#sendsWill ? this.#will : undefined
    const delay = Math.min(will?.properties?.willDelayInterval ?? 0, this.expiry.seconds)
    const left = this.#leave(delay > 0 ? will : undefined, delay * 1000).catch((error: unknown) => {
      this.node.logger.warn({ connection: this.connection.id, code, err: error }, 'could not save a closed session')
    })
    this.node.sessions.remove(this, left)
    if (will === undefined || delay > 0 || code === 'SHUTTING_DOWN') return
    const { node, provider } = this
    node.wills.publish(will.payload.byteLength, () => publishProviderWill(node, provider, will)).catch(() => undefined)
  }

  async #leave(delayed: Will | undefined, delayMs: number): Promise<void> {
    const { name, epoch, provider, node } = this
    const { store, now, sessions } = node
    // What fails here costs duplicates: the session is closed all the same.
    const failed = (error: unknown): void =>
      node.logger.warn(
        { connection: this.connection.id, err: error },
        'could not write the acknowledgements of a session',
      )
    await this.commit().catch(failed)
    await this.#groups.leaveAllHere().catch(failed)
    const { seconds } = this.expiry
    const apps = this.subscriptions.apps()
    for (const app of apps) sessions.unlisten(app, this)
    const will = delayed && { publishAt: now() + delayMs, value: encodeProviderWill(provider, delayed) }
    await store.closeNamedSession(name, epoch, {
      ...(seconds === 0 ? {} : { state: encodeProviderState(this.state()) }),
      stateExpiresAt: now() + seconds * 1000,
      ...(will === undefined ? {} : { will }),
    })
    if (will !== undefined) node.wills.add({ name }, epoch, will.publishAt)
    if (seconds > 0) return
    for (const app of apps) await store.closeReader(app, this.#reader)
    for (const subscription of this.subscriptions.all())
      if (subscription.group !== undefined) await this.#groups.leave(subscription)
  }

  #failure(reason: number): number {
    return this.level === 5 ? reason : FAILURE_V3
  }
}
