/** Sends messages of general topics on one connection: within its Maximum Packet Size, with its topic aliases. */
import type { ConnectPacket } from '../codec/packets.ts'
import { TopicAliases } from '../gate/topic-aliases.ts'
import { encodeGeneral, type GeneralSending, type Outbound } from './general-packet.ts'
import { unmounted } from './mount-point.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'

export class UserSender {
  readonly #session: UserOutgoingContext
  readonly #aliases: TopicAliases | undefined

  constructor(session: UserOutgoingContext, connect: ConnectPacket, topicAliases: number) {
    this.#session = session
    this.#aliases = TopicAliases.of(connect.properties.topicAliasMaximum, topicAliases)
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
    const { maximumPacketSize } = connection
    if (packet.byteLength > maximumPacketSize) {
      // [MQTT-3.1.2-25]
      node.metrics.skipped.inc({ destination: 'session' })
      return false
    }
    connection.write(this.#aliases?.apply(packet, topic, maximumPacketSize) ?? packet)
    return true
  }
}
