/**
 * A connection that Aedes serves: providers, and in an embedding program its own users. Packets go on as they came,
 * but for PUBLISH of QoS 1, which is acknowledged after it is stored, not before as Aedes does, and what a provider
 * publishes to push topics, which never enters Aedes.
 */
import type { Client } from 'aedes'
import { PushError, type ErrorCode } from '../../errors.ts'
import type { Provider } from '../../topics/index.ts'
import { encodePuback } from '../codec/encoder.ts'
import { Reason, type Packet, type PublishPacket } from '../codec/packets.ts'
import type { Connection, Role } from '../gate/connection.ts'
import type { AedesLink } from './link.ts'
import { withQos1AtMost } from './packets.ts'
import type { AedesSide } from './side.ts'

/** An acknowledgement that waits for its turn: they leave in the order their PUBLISH came [MQTT-4.6.0-2]. */
interface Turn {
  bytes: Buffer | undefined
}

/** The reason codes a PUBACK may have (section 3.4.2.1). */
const PUBACK_REASONS: ReadonlySet<number> = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])

export class AedesRole implements Role {
  readonly principal: 'provider' | 'user'
  readonly #side: AedesSide
  readonly #connection: Connection
  readonly #link: AedesLink
  readonly #client: Client
  readonly #provider: Provider | undefined
  #turns: Turn[] = []
  /** Packet ids of QoS 2 messages whose PUBREL has not come. */
  #unreleased: Set<number> | undefined
  #roomMade: (() => void) | undefined

  constructor(
    side: AedesSide,
    connection: Connection,
    link: AedesLink,
    client: Client,
    provider: Provider | undefined,
  ) {
    this.principal = provider === undefined ? 'user' : 'provider'
    this.#side = side
    this.#connection = connection
    this.#link = link
    this.#client = client
    this.#provider = provider
    link.onDemand = () => connection.proceed()
    link.refused = (packetId) => this.#unreleased?.delete(packetId ?? 0)
  }

  handle(packet: Packet): void | Promise<void> {
    if (packet.type === 'pubrel') this.#unreleased?.delete(packet.packetId)
    if (packet.type !== 'publish') return this.#forward(packet)
    // [MQTT-3.3.2-9] the server allows no aliases: packets that Aedes never sees could not make one known to it
    if (packet.properties.topicAlias !== undefined)
      throw new PushError('TOPIC_ALIAS_INVALID', 'the server takes no topic aliases')
    const provider = this.#provider
    if (provider !== undefined && !this.#side.mayPublish(provider)) throw new PushError('PUBLISH_RATE_EXCEEDED')
    if (packet.qos > 0) this.#count(packet)
    if (packet.qos === 1) return this.#publishQos1(packet)
    // A QoS 0 message to a device is stored all the same; there is nobody to tell when it is not.
    if (packet.qos === 0 && provider !== undefined) return this.#publishQos0(packet, provider)
    return this.#forward(packet)
  }

  drained(): void {
    this.#link.drained()
  }

  closed(_code: ErrorCode | undefined): void {
    // What was fed is still handled; then Aedes sees the end.
    if (!this.#link.destroyed) this.#link.push(null)
    this.#link.drained()
    this.#roomMade?.()
  }

  #forward(packet: Packet): void {
    const { level = 4 } = this.#connection
    // Upstream messages, like all push messages, come with QoS 1 at most: that is what a provider is granted.
    const limited = packet.type === 'subscribe' && this.#provider !== undefined
    const bytes = limited ? withQos1AtMost(packet.raw, level) : Buffer.from(packet.raw)
    if (!this.#link.feed(bytes)) this.#connection.hold()
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
    if (waiting + this.#unreleased.size >= this.#side.receiveMaximum) throw new PushError('RECEIVE_MAXIMUM_EXCEEDED')
    if (qos === 2) this.#unreleased.add(packetId)
  }

  #publishQos1(packet: PublishPacket): void | Promise<void> {
    const { receiveMaximum } = this.#side
    this.#touch()
    const turn: Turn = { bytes: undefined }
    this.#turns.push(turn)
    this.#publish(packet).then(
      () => this.#answer(turn, packet, Reason.success),
      (error: unknown) => this.#refuse(turn, packet, error),
    )
    if (this.#turns.length < receiveMaximum) return undefined
    return this.#connection.level === 5 ? undefined : new Promise((resolve) => (this.#roomMade = resolve))
  }

  #publishQos0(packet: PublishPacket, provider: Provider): void {
    this.#touch()
    this.#side.accept(provider, packet).catch((error: unknown) => this.#log(error))
  }

  async #publish(packet: PublishPacket): Promise<void> {
    if (this.#provider !== undefined) await this.#side.accept(this.#provider, packet)
    else await this.#side.publish(this.#client, packet)
  }

  #answer(turn: Turn, packet: PublishPacket, reason: number, text?: string): void {
    turn.bytes = encodePuback(this.#connection.level ?? 4, packet.packetId ?? 0, reason, text)
    let ready = 0
    for (; this.#turns[ready]?.bytes !== undefined; ready++)
      this.#connection.write(this.#turns[ready]?.bytes ?? Buffer.alloc(0))
    if (ready === 0) return
    this.#turns.splice(0, ready)
    this.#roomMade?.()
    this.#roomMade = undefined
  }

  /** MQTT 5 says so in the PUBACK; before it, the only way to say no is to close (section 3.3.5). */
  #refuse(turn: Turn, packet: PublishPacket, error: unknown): void {
    const known = error instanceof PushError ? error : new PushError('INTERNAL')
    this.#log(error)
    if (this.#connection.level !== 5) return this.#connection.end(known)
    const reason = PUBACK_REASONS.has(known.reason) ? known.reason : Reason.implementationSpecificError
    this.#answer(turn, packet, reason, known.message)
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
    this.#side.touch(this.#client)
  }
}
