/**
 * A connection of a user, which Aedes serves: it decides who users are, what they subscribe to and what reaches them.
 * PUBLISH in both directions is handled here: it is acknowledged after it is stored, and sent within the client's limits.
 */
import type { Client } from 'aedes'
import { PushError, type ErrorCode } from '../../errors.ts'
import { encodePuback, encodePubcomp, encodePubrec, encodeSuback, encodeUnsuback } from '../codec/encoder.ts'
import {
  Reason,
  type ConnectPacket,
  type DisconnectPacket,
  type Packet,
  type PublishPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { Connection } from '../gate/connection.ts'
import type { PacketHandler } from '../gate/packet-handler.ts'
import type { AedesLink } from './link.ts'
import type { Outgoing } from './outgoing.ts'
import { codesOf, optionsOf, withOnly } from './packets.ts'
import type { KeptSession } from './kept-session.ts'

/** An acknowledgement that waits for its turn: they leave in the order their PUBLISH came [MQTT-4.6.0-2]. */
interface Turn {
  bytes: Buffer | undefined
}

const SHARE = '$share/'

interface Filter {
  readonly filter: string
  /** Absent in UNSUBSCRIBE. */
  readonly request?: SubscriptionRequest
  readonly options?: number
}

/** What a handler needs of the router. */
export interface AedesHandlerContext {
  readonly receiveMaximum: number
  /** The reason code of the acknowledgement. */
  publish(client: Client, packet: PublishPacket): Promise<number>
  /** The reason code for the SUBACK. */
  subscribeShared(handler: AedesHandler, request: SubscriptionRequest, identifier: number): Promise<number>
  /** The reason code for the UNSUBACK. */
  unsubscribeShared(handler: AedesHandler, name: string): Promise<number>
  /** A packet came of which Aedes does not know. */
  touch(client: Client): void
  /** The connection of a handler has ended. */
  left(handler: AedesHandler): void
}

interface AedesHandlerOptions {
  readonly router: AedesHandlerContext
  readonly connection: Connection
  readonly connect: ConnectPacket
  readonly link: AedesLink
  readonly client: Client
  readonly outgoing: Outgoing
  readonly session: KeptSession
}

export class AedesHandler implements PacketHandler {
  readonly principal = 'user'
  readonly link: AedesLink
  readonly session: KeptSession
  readonly outgoing: Outgoing
  readonly #router: AedesHandlerContext
  readonly #connection: Connection
  readonly client: Client
  readonly #declaredExpiry: number
  readonly #wantsReasons: boolean
  #turns: Turn[] = []
  /** Of QoS 2, by this connection: their PUBREL has not come. */
  #unreleased: Set<number> | undefined
  #turnOver: (() => void) | undefined
  #answered: ((packet?: Buffer) => void) | undefined

  constructor({ router, connection, connect, link, client, outgoing, session }: AedesHandlerOptions) {
    this.link = link
    this.session = session
    this.outgoing = outgoing
    this.#router = router
    this.#connection = connection
    this.client = client
    this.#wantsReasons = connect.properties.requestProblemInformation !== 0
    this.#declaredExpiry = connect.properties.sessionExpiryInterval ?? 0
    link.onDemand = () => connection.proceed()
    link.acknowledged = (packet) => this.#answered?.(Buffer.from(packet))
  }

  /** Whatever a client id is, it is no token id: that has no slash. */
  get sessionName(): string {
    return `/${this.client.id}`
  }

  handle(packet: Packet): void | Promise<void> {
    switch (packet.type) {
      case 'publish':
        this.#touch()
        return this.#received(packet)
      case 'pubrel':
        this.#touch()
        return this.#released(packet.packetId)
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        this.#touch()
        return this.outgoing.handle(packet)
      case 'subscribe':
      case 'unsubscribe':
        return this.#subscriptions(packet)
      case 'disconnect':
        return this.#disconnected(packet)
      default:
        return this.#forward(Buffer.from(packet.raw))
    }
  }

  drained(): void {
    this.link.drained()
    this.outgoing.drained()
  }

  closed(_code: ErrorCode | undefined): void {
    this.outgoing.close()
    // What was fed is still handled; then Aedes sees the end.
    if (!this.link.destroyed) this.link.push(null)
    this.link.drained()
    this.#turnOver?.()
    this.#answered?.()
    this.#router.left(this)
  }

  /** A newer connection has this client id. */
  supersede(): void {
    this.#connection.end(new PushError('SESSION_TAKEN_OVER'))
    this.link.destroy()
  }

  #forward(bytes: Buffer): void {
    if (!this.link.feed(bytes)) this.#connection.hold()
  }

  /** In order with what was published before, and with what comes after. */
  async #subscriptions(packet: SubscribePacket | UnsubscribePacket): Promise<void> {
    const { level = 4 } = this.#connection
    const wanted = filtersOf(packet)
    const ordinary = wanted.filter(({ filter }) => !filter.startsWith(SHARE))
    const bytes = ordinary.length < wanted.length ? withOnly(packet, ordinary, level) : Buffer.from(packet.raw)
    await this.#turnsOver(1)
    const answer = ordinary.length === 0 ? undefined : await this.#ask(bytes)
    if (!this.#connection.open) return
    if (ordinary.length === wanted.length && answer !== undefined) return this.#connection.write(answer)
    const codes = (answer === undefined ? [] : codesOf(answer, level)).values()
    const all: number[] = []
    for (const { filter, request } of wanted) {
      if (!filter.startsWith(SHARE)) all.push(codes.next().value ?? Reason.unspecifiedError)
      else if (request === undefined) all.push(await this.#router.unsubscribeShared(this, filter))
      else all.push(await this.#router.subscribeShared(this, request, packet.properties.subscriptionIdentifier ?? 0))
    }
    const encode = packet.type === 'subscribe' ? encodeSuback : encodeUnsuback
    this.#connection.write(encode(level, packet.packetId, all))
  }

  /** What Aedes answers; undefined when the connection ends before. */
  async #ask(bytes: Buffer): Promise<Buffer | undefined> {
    const answered = new Promise<Buffer | undefined>((resolve) => (this.#answered = resolve))
    if (!this.#connection.open) return undefined
    this.#forward(bytes)
    const answer = await answered
    this.#answered = undefined
    return answer
  }

  #disconnected(packet: DisconnectPacket): void {
    // [MQTT-3.14.2-2]
    if (this.#declaredExpiry === 0 && (packet.properties.sessionExpiryInterval ?? 0) > 0)
      throw new PushError('PROTOCOL_ERROR', 'Session Expiry Interval was 0 in CONNECT')
    this.#forward(Buffer.from(packet.raw))
  }

  #received(packet: PublishPacket): void | Promise<void> {
    if (packet.qos === 0) return this.#publishQos0(packet)
    this.#count(packet)
    return packet.qos === 1 ? this.#publishQos1(packet) : this.#publishQos2(packet, packet.packetId ?? 0)
  }

  /**
   * [MQTT-3.3.4-9] Aedes announces a Receive Maximum, and holds nobody to it. Before MQTT 5 nobody knows of one: QoS 1
   * waits then, but of QoS 2, whose PUBREL comes on the same way, no more can be kept.
   */
  #count({ qos, packetId = 0 }: PublishPacket): void {
    if (this.#connection.level !== 5 && qos === 1) return
    this.#unreleased ??= new Set()
    if (qos === 2 && this.#unreleased.has(packetId)) return
    const waiting = this.#connection.level === 5 ? this.#turns.length : 0
    if (waiting + this.#unreleased.size >= this.#router.receiveMaximum) throw new PushError('RECEIVE_MAXIMUM_EXCEEDED')
    if (qos === 2) this.#unreleased.add(packetId)
  }

  #publishQos0(packet: PublishPacket): void {
    this.#publish(packet).catch((error: unknown) => {
      this.#log(error)
      // A user whose message was not allowed is disconnected, where he cannot be told.
      if (this.#connection.level !== 5) this.#connection.end(known(error))
    })
  }

  #publishQos1(packet: PublishPacket): void | Promise<void> {
    const turn: Turn = { bytes: undefined }
    const packetId = packet.packetId ?? 0
    this.#turns.push(turn)
    this.#publish(packet).then(
      (reason) => this.#answer(turn, packetId, reason),
      (error: unknown) => this.#refuse(error, (reason, text) => this.#answer(turn, packetId, reason, text)),
    )
    const { receiveMaximum } = this.#router
    return this.#connection.level === 5 || this.#turns.length < receiveMaximum
      ? undefined
      : this.#turnsOver(receiveMaximum)
  }

  /** One after the other: what was published and is not known to be would be published again [MQTT-4.3.3-10] */
  async #publishQos2(packet: PublishPacket, packetId: number): Promise<void> {
    const { level = 4 } = this.#connection
    const answer = (reason: number, text?: string) =>
      this.#connection.write(this.#connection.worded((words) => encodePubrec(level, packetId, reason, words), text))
    if (this.session.received.has(packetId)) return answer(Reason.success)
    try {
      const reason = await this.#publish(packet)
      this.session.received.add(packetId)
      await this.session.save()
      answer(reason)
    } catch (error) {
      this.#unreleased?.delete(packetId)
      this.#refuse(error, answer)
    }
  }

  async #released(packetId: number): Promise<void> {
    const { level = 4 } = this.#connection
    this.#unreleased?.delete(packetId)
    const isKnown = this.session.received.delete(packetId)
    if (isKnown) await this.session.save()
    this.#connection.write(encodePubcomp(level, packetId, isKnown ? Reason.success : Reason.packetIdentifierNotFound))
  }

  /** The reason code of the acknowledgement. */
  #publish(packet: PublishPacket): Promise<number> {
    return this.#router.publish(this.client, packet)
  }

  #answer(turn: Turn, packetId: number, reason: number, text?: string): void {
    const { level = 4 } = this.#connection
    turn.bytes = this.#connection.worded((words) => encodePuback(level, packetId, reason, words), text)
    let ready = 0
    for (; this.#turns[ready]?.bytes !== undefined; ready++)
      this.#connection.write(this.#turns[ready]?.bytes ?? Buffer.alloc(0))
    if (ready === 0) return
    this.#turns.splice(0, ready)
    this.#turnOver?.()
  }

  /** Resolves when fewer than so many PUBLISH packets wait for their acknowledgement. */
  async #turnsOver(fewerThan: number): Promise<void> {
    while (this.#turns.length >= fewerThan && this.#connection.open)
      await new Promise<void>((resolve) => (this.#turnOver = resolve))
  }

  /** MQTT 5 says so in the acknowledgement; before it, the only way to say no is to close (section 3.3.5). */
  #refuse(error: unknown, answer: (reason: number, text: string | undefined) => void): void {
    const refusal = known(error)
    this.#log(error)
    if (this.#connection.level !== 5) return this.#connection.end(refusal)
    // [MQTT-3.1.2-29]
    answer(pubackReason(refusal.reason), this.#wantsReasons ? refusal.message : undefined)
  }

  #log(error: unknown): void {
    const { logger } = this.#connection.context
    if (error instanceof PushError) {
      logger.info({ connection: this.#connection.id, code: error.code, detail: error.detail }, 'PUBLISH refused')
    } else {
      logger.error({ connection: this.#connection.id, err: error }, 'PUBLISH failed')
    }
  }

  /** Aedes does not see these packets; where it watches the keep alive itself, it must hear of them. */
  #touch(): void {
    this.#router.touch(this.client)
  }
}

function filtersOf(packet: SubscribePacket | UnsubscribePacket): Filter[] {
  if (packet.type === 'unsubscribe') return packet.filters.map((filter) => ({ filter }))
  return packet.subscriptions.map((request) => ({ filter: request.filter, request, options: optionsOf(request) }))
}

function known(error: unknown): PushError {
  return error instanceof PushError ? error : new PushError('INTERNAL')
}
