/** PUBLISH and PUBREL of a provider: to devices. Acknowledged after it is stored, in the order of the packets. */
import { PushError } from '../../errors.ts'
import type { Provider } from '../../topics/index.ts'
import { encodePuback, encodePubcomp, encodePubrec } from '../codec/encoder.ts'
import { Reason, type ProtocolLevel, type PublishPacket } from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { Connection } from '../gate/connection.ts'
import { isBridgeState } from './bridge-state.ts'
import type { ProviderNode } from './provider-node.ts'
import { PublishQuota, type QuotaContext } from './publish-quota.ts'
import { checkReceiveMaximum, PublishTurns, type Turn } from './publish-turns.ts'

interface PublisherContext extends QuotaContext {
  readonly node: ProviderNode
  readonly connection: Connection
  readonly provider: Provider
  /** It came with the name and password of this user. */
  readonly user: string | undefined
  readonly name: string
  readonly level: ProtocolLevel
  readonly wantsReasons: boolean
  /** Packet ids of QoS 2 messages that wait for PUBREL. */
  readonly received: Set<number>
  save(): Promise<void>
}

const TOO_MANY_REQUESTS = 429

/** With the reason in words, where there is one. */
type Answer = (reason: number, text?: string) => void

export class ProviderPublisher {
  readonly #session: PublisherContext
  readonly #turns: PublishTurns
  readonly #quota: PublishQuota

  constructor(session: PublisherContext) {
    this.#session = session
    this.#quota = new PublishQuota(session)
    const { connection, node } = session
    this.#turns = new PublishTurns({ connection, receiveMaximum: node.limits.receiveMaximum })
  }

  handle(packet: PublishPacket): void | Promise<void> {
    const { node, provider, level, received } = this.#session
    if (!node.mayPublish(provider)) throw new PushError('PUBLISH_RATE_EXCEEDED')
    const { qos, packetId = 0, topic } = packet
    const isRepeat = qos === 2 && received.has(packetId)
    if (qos === 2 && !isRepeat) checkReceiveMaximum(level, node.limits.receiveMaximum, received)
    // A repeated packet was already counted.
    const isCounted = provider.quotas !== undefined && !isRepeat && !isBridgeState(topic)
    const room = node.room(provider)
    if (room === undefined) return isCounted ? this.#publishCounted(packet) : this.#publish(packet)
    return room.then(() => (isCounted ? this.#publishCounted(packet) : this.#publish(packet)))
  }

  #publish(packet: PublishPacket): void | Promise<void> {
    const { qos, packetId = 0 } = packet
    if (qos === 0) return this.#publishQos0(packet)
    return qos === 1 ? this.#publishQos1(packet, packetId) : this.#publishQos2(packet, packetId)
  }

  /** Nothing is read while it waits, so that later packets stay behind it. */
  #publishCounted(packet: PublishPacket): void | Promise<void> {
    const admitted = this.#quota.admit(packet)
    if (admitted === undefined) return this.#publish(packet)
    return admitted.then(
      () => this.#publish(packet),
      (error: unknown) => this.#notAdmitted(packet, error),
    )
  }

  #notAdmitted({ qos, packetId = 0, payload }: PublishPacket, error: unknown): void {
    this.#session.node.metrics.rejected.inc({ code: error instanceof PushError ? error.code : 'INTERNAL' })
    if (qos === 2) return this.#refuse(error, this.#pubrec(packetId))
    if (qos === 1) return this.#refuse(error, this.#puback(packetId, this.#turns.begin(payload.byteLength)))
    this.#log(error)
    // It has waited as long as it could.
    if (error instanceof PushError && error.code === 'QUOTA_EXCEEDED') this.#session.connection.end(error)
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

  #accept(packet: PublishPacket): Promise<unknown> {
    const { node, provider, name } = this.#session
    if (isBridgeState(packet.topic)) return node.publishState(name, packet)
    const accepted = node.accept(provider, packet)
    if (provider.quotas === undefined) return accepted
    const since = node.now()
    return accepted.catch((error: unknown) => {
      this.#quota.giveBack(since)
      throw error
    })
  }

  /** A QoS 0 message to a device is stored all the same, and as many at a time; there is nobody to tell when it is not. */
  #publishQos0(packet: PublishPacket): void | Promise<void> {
    const turn = this.#turns.begin(packet.payload.byteLength)
    this.#accept(packet).then(
      () => this.#turns.end(turn),
      (error: unknown) => {
        this.#log(error)
        this.#turns.end(turn)
      },
    )
    return this.#turns.room()
  }

  #publishQos1(packet: PublishPacket, packetId: number): void | Promise<void> {
    const answer = this.#puback(packetId, this.#turns.begin(packet.payload.byteLength))
    this.#accept(packet).then(
      () => answer(Reason.success),
      (error: unknown) => this.#refuse(error, answer),
    )
    return this.#turns.room()
  }

  /** One after the other: what was published and is not known to be would be published again [MQTT-4.3.3-10] */
  async #publishQos2(packet: PublishPacket, packetId: number): Promise<void> {
    const { received } = this.#session
    const answer = this.#pubrec(packetId)
    if (received.has(packetId)) return answer(Reason.success)
    try {
      await this.#accept(packet)
      received.add(packetId)
      await this.#session.save()
      answer(Reason.success)
    } catch (error) {
      this.#refuse(error, answer)
    }
  }

  #puback(packetId: number, turn: Turn): Answer {
    const { connection, level } = this.#session
    return (reason, text) =>
      this.#turns.end(
        turn,
        connection.worded((words) => encodePuback(level, packetId, reason, words), text),
      )
  }

  #pubrec(packetId: number): Answer {
    const { connection, level } = this.#session
    return (reason, text) =>
      connection.write(connection.worded((words) => encodePubrec(level, packetId, reason, words), text))
  }

  /**
   * MQTT 5 refuses in the acknowledgement; before it, the only way to refuse is to close (section 3.3.5). But a
   * connection as a user is most likely a bridge, which would send the message forever: a permanent refusal is
   * acknowledged and dropped, as Mosquitto does.
   */
  #refuse(error: unknown, answer: Answer): void {
    const { connection, level, wantsReasons, user } = this.#session
    const refusal = error instanceof PushError ? error : new PushError('INTERNAL')
    this.#log(error)
    if (refusal.code === 'KEY_REVOKED') return connection.end(refusal)
    if (level !== 5) return user !== undefined && isForGood(refusal) ? answer(Reason.success) : connection.end(refusal)
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

/** It will be refused again. */
function isForGood({ status }: PushError): boolean {
  return status >= 400 && status < 500 && status !== TOO_MANY_REQUESTS
}
