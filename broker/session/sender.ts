/** Sends stored messages on one connection: encoded for it, within its Maximum Packet Size, with its topic aliases. */
import type { LogEntry } from '../../store/contract.ts'
import { LARGEST_PACKET } from '../codec/limits.ts'
import type { ConnectPacket, ProtocolLevel } from '../codec/packets.ts'
import { withPacketId } from '../codec/encoder.ts'
import type { Connection } from '../gate/connection.ts'
import { TopicAliases } from '../gate/topic-aliases.ts'
import type { PacketCache } from './broadcast-fanout.ts'
import { type Delivery, encodeDelivery } from './deliver.ts'

/** What of a delivery is not the connection's. */
export type Sending = Omit<Delivery, 'level' | 'maximumPacketSize'>

export class Sender {
  readonly #connection: Connection
  readonly #level: ProtocolLevel
  readonly #aliases: TopicAliases | undefined

  constructor(connection: Connection, connect: ConnectPacket, topicAliases: number) {
    this.#connection = connection
    this.#level = connect.level
    this.#aliases = TopicAliases.of(connect.properties.topicAliasMaximum, topicAliases)
  }

  /**
   * False if it does not fit into the client's Maximum Packet Size. `packets` holds what was encoded of this entry for
   * others, under this topic.
   */
  send(entry: LogEntry, sending: Sending, packets?: PacketCache): boolean {
    const packet =
      packets === undefined || sending.dup || sending.missed !== undefined
        ? this.#encode(entry, sending)
        : this.#encodeOnce(entry, sending, packets)
    if (packet === undefined) return false
    const connection = this.#connection
    connection.write(this.#aliases?.apply(packet, sending.topic, connection.maximumPacketSize) ?? packet)
    return true
  }

  #encode(entry: LogEntry, sending: Sending): Buffer | undefined {
    const { topic, identifier, moreIdentifiers, packetId, retain, dup, now, missed } = sending
    const { maximumPacketSize } = this.#connection
    const delivery = { topic, identifier, packetId, retain, dup, now, missed, level: this.#level, maximumPacketSize }
    return encodeDelivery(entry, moreIdentifiers === undefined ? delivery : { ...delivery, moreIdentifiers })
  }

  /** A packet that goes to many devices is encoded once; only the packet id is this device's. */
  #encodeOnce(entry: LogEntry, sending: Sending, packets: PacketCache): Buffer | undefined {
    const { identifier, packetId, retain } = sending
    const kind = (this.#level === 5 ? 4 : 0) + (packetId === undefined ? 2 : 0) + (retain ? 1 : 0)
    const key = identifier * 8 + kind
    const known = packets.get(key)
    const { maximumPacketSize } = this.#connection
    if (known !== undefined && known.byteLength <= maximumPacketSize) {
      return packetId === undefined ? known : withPacketId(known, packetId)
    }
    const packet = this.#encode(entry, sending)
    // One that was cut to fit a small Maximum Packet Size is not for the others.
    if (packet !== undefined && maximumPacketSize === LARGEST_PACKET) packets.set(key, packet)
    return packet
  }
}
