/** Sends messages of general topics on one connection: within its Maximum Packet Size, with its topic aliases. */
import type { ConnectPacket } from '../codec/packets.ts'
import { TopicAliases } from '../gate/topic-aliases.ts'
import { encodeGeneral, type GeneralSending, type Outbound } from './general-packet.ts'
import { unmounted } from './mount-point.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'

/** Section 3.1.2.11.4: without a Maximum Packet Size there is no limit beyond the protocol's. */
const LARGEST_PACKET = 268_435_460

export class UserSender {
  readonly #session: UserOutgoingContext
  readonly #maximumPacketSize: number
  readonly #aliases: TopicAliases

  constructor(session: UserOutgoingContext, connect: ConnectPacket, topicAliases: number) {
    this.#session = session
    this.#maximumPacketSize = connect.properties.maximumPacketSize ?? LARGEST_PACKET
    this.#aliases = new TopicAliases(connect.properties.topicAliasMaximum, topicAliases)
  }

  /** False if it does not go: it is too large for this client [MQTT-3.1.2-24], has expired, or is not for this user. */
  send(message: Outbound, sending: Omit<GeneralSending, 'level' | 'now'>): boolean {
    const { node, level, user, connection, mountPoint } = this.#session
    const { topic: where, expiresAt } = message
    const topic = unmounted(where, mountPoint)
    const now = node.now()
    if (expiresAt <= now || topic === undefined || user.mayReceive?.(where) === false) return false
    const { qos, retain, identifiers, dup, packetId } = sending
    const how = { qos, retain, identifiers, dup, packetId, level, now }
    const packet = mountPoint === '' ? node.packets.encode(message, how) : encodeGeneral({ ...message, topic }, how)
    if (packet.byteLength > this.#maximumPacketSize) {
      // [MQTT-3.1.2-25]
      node.metrics.skipped.inc({ destination: 'session' })
      return false
    }
    connection.write(this.#aliases.apply(packet, topic, this.#maximumPacketSize))
    return true
  }
}
