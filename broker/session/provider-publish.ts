/** PUBLISH and PUBREL of a provider: to devices. Acknowledged after it is stored, in the order of the packets. */
import { PushError } from '../../errors.ts'
import type { Provider } from '../../topics/index.ts'
import { encodePuback, encodePubcomp, encodePubrec } from '../codec/encoder.ts'
import { Reason, type ProtocolLevel, type PublishPacket } from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { Connection } from '../gate/connection.ts'
import type { ProviderNode } from './provider-node.ts'

interface PublisherContext {
  readonly node: ProviderNode
  readonly connection: Connection
  readonly provider: Provider
  readonly level: ProtocolLevel
  readonly wantsReasons: boolean
  /** Packet ids of QoS 2 messages that wait for PUBREL. */
  readonly received: Set<number>
  save(): Promise<void>
}

/** An acknowledgement that waits for its turn: they leave in the order their PUBLISH came [MQTT-4.6.0-2]. */
interface Turn {
  bytes: Buffer | undefined
}

export class ProviderPublisher {
  readonly #session: PublisherContext
  readonly #turns: Turn[] = []
  #turnOver: (() => void) | undefined

  constructor(session: PublisherContext) {
    this.#session = session
  }

  handle(packet: PublishPacket): void | Promise<void> {
    const { node, provider, level, received } = this.#session
    if (!node.mayPublish(provider)) throw new PushError('PUBLISH_RATE_EXCEEDED')
    if (packet.qos === 0) return this.#publishQos0(packet)
    // [MQTT-3.3.4-9] Before MQTT 5 nobody knows of a Receive Maximum: QoS 1 waits then, but not QoS 2, whose PUBREL comes
    // on the same way.
    const isKnown = packet.qos === 2 && received.has(packet.packetId ?? 0)
    const waiting = level === 5 ? this.#turns.length : 0
    const isFull = waiting + received.size >= node.limits.receiveMaximum
    if (isFull && !isKnown && (level === 5 || packet.qos === 2)) throw new PushError('RECEIVE_MAXIMUM_EXCEEDED')
    return packet.qos === 1 ? this.#publishQos1(packet) : this.#publishQos2(packet, packet.packetId ?? 0)
  }

  async release(packetId: number): Promise<void> {
    const { connection, level, received } = this.#session
    const isKnown = received.delete(packetId)
    if (isKnown) await this.#session.save()
    connection.write(encodePubcomp(level, packetId, isKnown ? Reason.success : Reason.packetIdentifierNotFound))
  }

  /** Everything that was published is answered: what comes next is in order. */
  settled(): Promise<void> {
    return this.#turnsOver(1)
  }

  close(): void {
    this.#turnOver?.()
  }

  /** A QoS 0 message to a device is stored all the same; there is nobody to tell when it is not. */
  #publishQos0(packet: PublishPacket): void {
    this.#session.node.accept(this.#session.provider, packet).catch((error: unknown) => this.#log(error))
  }

  #publishQos1(packet: PublishPacket): void | Promise<void> {
    const { node, provider, level } = this.#session
    const turn: Turn = { bytes: undefined }
    const packetId = packet.packetId ?? 0
    this.#turns.push(turn)
    node.accept(provider, packet).then(
      () => this.#answer(turn, packetId, Reason.success),
      (error: unknown) => this.#refuse(error, (reason, text) => this.#answer(turn, packetId, reason, text)),
    )
    const { receiveMaximum } = node.limits
    return level === 5 || this.#turns.length < receiveMaximum ? undefined : this.#turnsOver(receiveMaximum)
  }

  /** One after the other: what was published and is not known to be would be published again [MQTT-4.3.3-10] */
  async #publishQos2(packet: PublishPacket, packetId: number): Promise<void> {
    const { node, provider, connection, level, received } = this.#session
    const answer = (reason: number, text?: string) =>
      connection.write(connection.worded((words) => encodePubrec(level, packetId, reason, words), text))
    if (received.has(packetId)) return answer(Reason.success)
    try {
      await node.accept(provider, packet)
      received.add(packetId)
      await this.#session.save()
      answer(Reason.success)
    } catch (error) {
      this.#refuse(error, answer)
    }
  }

  #answer(turn: Turn, packetId: number, reason: number, text?: string): void {
    const { connection, level } = this.#session
    turn.bytes = connection.worded((words) => encodePuback(level, packetId, reason, words), text)
    let ready = 0
    for (let bytes = this.#turns[ready]?.bytes; bytes !== undefined; bytes = this.#turns[ready]?.bytes) {
      connection.write(bytes)
      ready += 1
    }
    if (ready === 0) return
    this.#turns.splice(0, ready)
    this.#turnOver?.()
  }

  /** Resolves when fewer than so many PUBLISH packets wait for their acknowledgement. */
  async #turnsOver(fewerThan: number): Promise<void> {
    while (this.#turns.length >= fewerThan && this.#session.connection.open)
      await new Promise<void>((resolve) => (this.#turnOver = resolve))
  }

  /** MQTT 5 says so in the acknowledgement; before it, the only way to say no is to close (section 3.3.5). */
  #refuse(error: unknown, answer: (reason: number, text: string | undefined) => void): void {
    const { connection, level, wantsReasons } = this.#session
    const refusal = error instanceof PushError ? error : new PushError('INTERNAL')
    this.#log(error)
    if (level !== 5) return connection.end(refusal)
    // [MQTT-3.1.2-29]
    answer(pubackReason(refusal.reason), wantsReasons ? refusal.message : undefined)
  }

  #log(error: unknown): void {
    const { node, connection } = this.#session
    if (error instanceof PushError)
      node.logger.info({ connection: connection.id, code: error.code, detail: error.detail }, 'PUBLISH refused')
    else node.logger.error({ connection: connection.id, err: error }, 'PUBLISH failed')
  }
}
