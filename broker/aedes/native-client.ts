/** The packet handler of a connection that belongs to the embedding program's Aedes. */
import { PushError } from '../../errors.ts'
import type { ConnectPacket, Packet } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { PacketHandler } from '../gate/packet-handler.ts'
import { NativeLink } from './native-link.ts'
import { isObjectName } from './object-names.ts'

export class NativeClient implements PacketHandler {
  readonly principal = 'user'
  readonly sessionName: string
  readonly link: NativeLink

  constructor(connection: Connection, { clientId }: ConnectPacket) {
    this.sessionName = `n/${clientId === '' ? connection.id : clientId}`
    this.link = new NativeLink(connection)
  }

  handle(packet: Packet): void | Promise<void> {
    checkNames(packet)
    // The link keeps it until Aedes reads, and the decoder goes on.
    return this.link.feed(Buffer.from(packet.raw))
  }

  drained(): void {
    this.link.drained()
  }

  closed(): void {
    this.link.finish()
  }
}

/** @throws CLIENT_ID_INVALID, TOPIC_FORBIDDEN: see `object-names.ts` */
function checkNames(packet: Packet): void {
  if (packet.type === 'connect' && isObjectName(packet.clientId)) throw new PushError('CLIENT_ID_INVALID', 'reserved')
  if (topicsOf(packet).some(isObjectName)) throw new PushError('TOPIC_FORBIDDEN', 'its name is reserved')
}

function topicsOf(packet: Packet): readonly string[] {
  switch (packet.type) {
    case 'connect':
      return packet.will === undefined ? [] : [packet.will.topic]
    case 'publish':
      return [packet.topic]
    case 'subscribe':
      return packet.subscriptions.map(({ filter }) => filter)
    case 'unsubscribe':
      return packet.filters
    default:
      return []
  }
}
