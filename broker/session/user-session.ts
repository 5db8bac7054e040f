/** The live connection of a user: which packet goes to which handler, and what the session remembers. */
import { PushError, type ErrorCode } from '../../errors.ts'
import type { RetainedSource, SessionEntry } from '../../store/contract.ts'
import { PINGRESP } from '../codec/encoder.ts'
import type {
  ConnectPacket,
  DisconnectPacket,
  Packet,
  ProtocolLevel,
  SubscribePacket,
  UnsubscribePacket,
  Will,
} from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { PacketHandler } from '../gate/packet-handler.ts'
import type { Crowding } from './crowding.ts'
import { Expiry } from './expiry.ts'
import type { GeneralDelivery, GeneralMessage, GeneralReceiver, GeneralSubscription, User } from './general.ts'
import type { UserNode } from './user-node.ts'
import { refusedUser, userNamed, userNow } from './user-now.ts'
import type { Users } from './users.ts'
import type { ConnectionEnd } from './listener-rules.ts'
import type { UserArrival } from './user-arrival.ts'
import type { UserMembership } from './user-groups.ts'
import { type Left, UserOutgoing } from './user-outgoing.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'
import { UserPublisher } from './user-publish.ts'
import { encodeUserState } from './user-state.ts'
import { handleUserSubscribe, handleUserUnsubscribe } from './user-subscribe.ts'
import { encodeUserWill, mayLeave, publishUserWill } from './user-will.ts'

export interface UserStart {
  readonly node: UserNode
  readonly connection: Connection
  readonly arrival: UserArrival
  readonly name: string
  readonly connect: ConnectPacket
  /** Of the session in the store; 0 where the store knows none. */
  readonly opened: number
  /** Of a session that is kept, or is resumed again. */
  readonly left: Left | undefined
  readonly subscriptions: readonly GeneralSubscription[]
}

/** A member of a group is known for so much longer than its session, that this need not be written when a connection ends, ms. */
const MARGIN_MS = 24 * 60 * 60 * 1000
/** One that is not kept, when its node dies, ms. */
const UNKEPT_MS = 10 * 60 * 1000

export class UserSession implements PacketHandler, GeneralReceiver, UserOutgoingContext {
  readonly principal = 'user'
  readonly node: UserNode
  readonly connection: Connection
  /** As it is now: its rules may change while it is connected. */
  user: User
  readonly arrival: UserArrival
  readonly mountPoint: string
  /** All of its subscriptions have No Local and Retain As Published. */
  readonly isBridge: boolean
  readonly name: string
  readonly level: ProtocolLevel
  readonly epoch: number
  readonly isKept: boolean
  readonly wantsReasons: boolean
  readonly subscriptions: Map<string, GeneralSubscription>
  readonly expiry: Expiry
  readonly #outgoing: UserOutgoing
  readonly #publisher: UserPublisher
  readonly #retainedDue: readonly string[]
  readonly #memberships = new Map<string, UserMembership>()
  readonly #will: Will | undefined
  #sendsWill = true
  #closed = false
  #hasSaidSo = false
  #watcher: ((end: ConnectionEnd) => void) | undefined
  /** Nothing is sent before the CONNACK. */
  #begun = false

  constructor({ node, connection, arrival, name, connect, opened, left, subscriptions }: UserStart) {
    this.node = node
    this.connection = connection
    this.arrival = arrival
    this.user = arrival.user
    this.name = name
    this.level = connect.level
    this.epoch = opened
    this.isKept = left !== undefined
    this.wantsReasons = connect.properties.requestProblemInformation !== 0
    this.subscriptions = new Map(subscriptions.map((each) => [each.name, each]))
    this.expiry = new Expiry(connect, node.terms)
    this.mountPoint = arrival.rules.mountPoint ?? ''
    this.isBridge = connect.bridge && connect.level !== 5
    this.#will = connect.will && {
      ...connect.will,
      topic: `${this.mountPoint}${connect.will.topic}`,
      payload: Buffer.from(connect.will.payload),
    }
    this.#retainedDue = left?.state.retainedDue ?? []
    this.#outgoing = new UserOutgoing(this, connect, left)
    this.#publisher = new UserPublisher(this)
  }

  get sessionName(): string {
    return this.name
  }

  /** There is somebody to send to. */
  get live(): boolean {
    return this.#begun && !this.#closed && this.connection.open && !this.connection.isParting
  }

  /** Tells who watches the listener. */
  announce({ level, cleanStart, keepAlive, bridge }: ConnectPacket): void {
    const { user, connection, arrival } = this
    const { rules, clientId, port } = arrival
    if (rules.connected === undefined || this.#closed) return
    const { remoteAddress: address } = connection
    this.#told(() => {
      this.#watcher = rules.connected?.({
        clientId,
        username: user.name,
        address,
        port,
        level,
        cleanStart,
        keepAlive,
        sessionExpiry: this.expiry.seconds,
        isBridge: bridge,
      })
    })
  }

  #told(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.node.logger.error({ connection: this.connection.id, err: error }, 'the `connected` rule of a listener threw')
    }
  }

  /** After the CONNACK. */
  begin(): void {
    this.#begun = true
    for (const name of this.#retainedDue) {
      const subscription = this.subscriptions.get(name)
      if (subscription !== undefined) this.#outgoing.addRetained(subscription)
    }
    this.#outgoing.begin()
  }

  handle(packet: Packet): void | Promise<void> {
    switch (packet.type) {
      case 'publish':
        return this.#publisher.handle(packet)
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        return this.#outgoing.handle(packet)
      case 'pubrel':
        return this.#publisher.release(packet.packetId)
      case 'pingreq':
        return this.connection.write(PINGRESP)
      case 'subscribe':
      case 'unsubscribe':
        return this.#subscriptions(packet)
      case 'disconnect':
        return this.#disconnected(packet)
      case 'connect':
      case 'auth':
        throw new PushError('PROTOCOL_ERROR', `${packet.type.toUpperCase()} is not expected here`)
    }
  }

  /** In order with what was published before, and with what comes after. */
  async #subscriptions(packet: SubscribePacket | UnsubscribePacket): Promise<void> {
    await this.#publisher.settled()
    if (packet.type === 'subscribe') await handleUserSubscribe(this, packet)
    else await handleUserUnsubscribe(this, packet)
  }

  // What goes out

  arrived(message: GeneralMessage, delivery: GeneralDelivery): void {
    this.#outgoing.arrived(message, delivery)
  }

  logArrived(offset: number, entry: SessionEntry | undefined): void {
    this.#outgoing.logArrived(offset, entry)
  }

  addRetained(subscription: GeneralSubscription): void {
    this.#outgoing.addRetained(subscription)
  }

  removeRetained(name: string): void {
    this.#outgoing.removeRetained(name)
  }

  // Shared subscriptions

  /** It outlives the connection. */
  get #keeps(): boolean {
    return this.isKept && this.expiry.seconds > 0
  }

  async joinGroup(subscription: GeneralSubscription): Promise<void> {
    const { node } = this
    const before = this.#memberships.get(subscription.name)
    const lastsMs = (): number => (this.isKept ? this.expiry.seconds * 1000 + MARGIN_MS : UNKEPT_MS)
    const member = { session: this, subscription, receiver: this.#outgoing.shared, lastsMs }
    const membership = await node.groups.join(member)
    // Nobody else would let go of it.
    if (this.#closed) return await (this.#keeps ? membership.leave() : membership.end())
    this.#memberships.set(subscription.name, membership)
    await before?.leave()
  }

  async leaveGroup(name: string): Promise<void> {
    await this.#memberships.get(name)?.end()
    this.#memberships.delete(name)
  }

  /** Of those that it had; before its CONNACK. */
  async rejoinGroups(): Promise<void> {
    for (const subscription of this.subscriptions.values())
      if (subscription.group !== undefined) await this.joinGroup(subscription)
  }

  roomMade(): void {
    for (const membership of this.#memberships.values()) membership.run()
  }

  drained(): void {
    this.#outgoing.drained()
  }

  async look(): Promise<void> {
    await this.#outgoing.look()
  }

  crowds(queue: Crowding): void {
    this.#publisher.crowds(queue)
  }

  async commit(): Promise<void> {
    await this.#outgoing.commit()
  }

  async save(): Promise<void> {
    await this.node.store.saveNamedSession(this.name, this.epoch, encodeUserState(this.#outgoing.state()))
  }

  // Its rules

  get source(): RetainedSource | undefined {
    const users = this.node.known.idOf(this.users)
    return users === undefined ? undefined : { users, user: this.user.name, clientId: this.arrival.clientId }
  }

  get users(): Users {
    return this.arrival.users
  }

  get isOpen(): boolean {
    return !this.#closed && this.connection.open
  }

  async recheck(): Promise<void> {
    const { node, arrival } = this
    const now = await userNow(arrival, node)
    if (now !== undefined) {
      this.user = now
      return
    }
    // Its will goes by the rules of now as well.
    this.user = (await userNamed({ ...arrival, name: this.user.name }, node)) ?? refusedUser(this.user.name)
    this.end(new PushError('USER_REFUSED', 'the user was changed or removed'))
  }

  // Ending

  end(error: PushError): void {
    this.connection.end(error)
  }

  #disconnected(packet: DisconnectPacket): void {
    this.#hasSaidSo = true
    this.expiry.change(packet.properties.sessionExpiryInterval)
    // [MQTT-3.14.4-3] the will goes, unless reason code 0x04 asks for it
    if (packet.reason !== 0x04) this.#sendsWill = false
    this.connection.destroy()
  }

  closed(code: ErrorCode | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#told(() => this.#watcher?.(code ?? (this.#hasSaidSo ? 'DISCONNECT' : undefined)))
    this.#publisher.close()
    this.#outgoing.close()
    this.node.router.disconnect(this)
    this.node.sessions.forget(this)
    const will = this.#sendsWill && code !== 'SHUTTING_DOWN' ? this.#will : undefined
    const left = this.#leave(will).catch((error: unknown) => {
      this.node.logger.warn({ connection: this.connection.id, code, err: error }, 'could not save a closed session')
    })
    this.node.sessions.live.remove(this, left)
  }

  async #leave(wanted: Will | undefined): Promise<void> {
    const { node, user, name, expiry } = this
    const will = wanted !== undefined && (await mayLeave(node, user, wanted)) ? wanted : undefined
    const delay = this.isKept ? Math.min(will?.properties?.willDelayInterval ?? 0, expiry.seconds) : 0
    if (will !== undefined && delay === 0) publishUserWill(node, name, will, this.source).catch(() => undefined)
    await this.#close(delay > 0 ? will : undefined, delay * 1000)
  }

  async #close(delayed: Will | undefined, delayMs: number): Promise<void> {
    const { node, user, name, epoch, isKept, expiry } = this
    const { store, now } = node
    if (epoch === 0) return await this.#leaveGroups(false)
    // What fails here costs duplicates: the session is closed all the same.
    if (isKept) await this.commit().catch((error: unknown) => this.#notWritten(error))
    const { seconds } = expiry
    const keeps = this.#keeps
    await this.#leaveGroups(keeps)
    const of = { name, user: user.name, users: this.source?.users ?? null, clientId: this.arrival.clientId }
    const will = delayed && { publishAt: now() + delayMs, value: encodeUserWill(of, delayed) }
    await store.closeNamedSession(name, epoch, {
      ...(keeps ? { state: encodeUserState(this.#outgoing.state()) } : {}),
      stateExpiresAt: now() + seconds * 1000,
      ...(will === undefined ? {} : { will }),
    })
    if (will !== undefined) node.wills.add({ name }, epoch, will.publishAt)
  }

  /** What it has of them and did not acknowledge goes to others. */
  async #leaveGroups(keeps: boolean): Promise<void> {
    for (const membership of this.#memberships.values())
      await (keeps ? membership.leave() : membership.end()).catch((error: unknown) => this.#notWritten(error))
  }

  #notWritten(error: unknown): void {
    this.node.logger.warn({ connection: this.connection.id, err: error }, 'could not write the end of a session')
  }
}
