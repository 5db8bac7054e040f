/** PUBLISH and PUBREL of a provider: to devices. Acknowledged after it is stored, in the order of the packets. */
import { PushError } from '../../errors.ts'
import type { Provider } from '../../topics/index.ts'
import { encodePuback, encodePubcomp, encodePubrec } from '../codec/encoder.ts'
import { Reason, type ProtocolLevel, type PublishPacket } from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { Connection } from '../gate/connection.ts'
import type { ProviderNode } from './provider-node.ts'
import { checkReceiveMaximum, PublishTurns } from './publish-turns.ts'

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

export class ProviderPublisher {
  readonly #session: PublisherContext
  readonly #turns: PublishTurns

  constructor(session: PublisherContext) {
    this.#session = session
    const { connection, node } = session
    this.#turns = new PublishTurns({ connection, receiveMaximum: node.limits.receiveMaximum })
  }

  handle(packet: PublishPacket): void | Promise<void> {
    const { node, provider, level, received } = this.#session
    if (!node.mayPublish(provider)) throw new PushError('PUBLISH_RATE_EXCEEDED')
    if (packet.qos === 0) return this.#publishQos0(packet)
    const { qos, packetId = 0 } = packet
    if (qos === 1) return this.#publishQos1(packet, packetId)
    if (!received.has(packetId)) checkReceiveMaximum(level, node.limits.receiveMaximum, received)
    return this.#publishQos2(packet, packetId)
  }

  async release(packetId: number): Promise<void> {
    const { connection, level, received } = this.#session
    const isKnown = received.delete(packetId)
    if (isKnown) await this.#session.save()
    connection.write(encodePubcomp(level, packetId, isKnown ? Reason.success : Reason.packetIdentifierNotFound))
  }

  /** Everything that was published is answered: what comes next is in order. */
  settled(): Promise<void> {
    return this.#turns.settled()
  }

  close(): void {
    this.#turns.close()
  }

  /** A QoS 0 message to a device is stored all the same; there is nobody to tell when it is not. */
  #publishQos0(packet: PublishPacket): void {
    this.#session.node.accept(this.#session.provider, packet).catch((error: unknown) => this.#log(error))
  }

  #publishQos1(packet: PublishPacket, packetId: number): void | Promise<void> {
    const { node, provider, connection, level } = this.#session
    const turn = this.#turns.begin(packet.payload.byteLength)
    const answer = (reason: number, text?: string) =>
      this.#turns.end(
        turn,
        connection.worded((words) => encodePuback(level, packetId, reason, words), text),
      )
    node.accept(provider, packet).then(
      () => answer(Reason.success),
      (error: unknown) => this.#refuse(error, answer),
    )
    return this.#turns.room()
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

  /** MQTT 5 says so in the acknowledgement; before it, the only way to say no is to close (section 3.3.5). */
  #refuse(error: unknown, answer: (reason: number, text: string | undefined) => void): void {
    const { connection, level, wantsReasons } = this.#session
    const refusal = error instanceof PushError ? error : new PushError('INTERNAL')
    this.#log(error)
    if (level !== 5 || refusal.code === 'KEY_REVOKED') return connection.end(refusal)
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
