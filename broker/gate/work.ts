/** The work units that a client's packets cost. */
import type { Packet } from '../codec/packets.ts'

/** Units, which are roughly microseconds; `docs/operations.md` has them too. A subscription costs more than it seems. */
const PACKET = 20
const KIBIBYTE = 10
const PING = 50
const SUBSCRIPTIONS = 1_000
const FILTER = 200

export function workOf(packet: Packet): number {
  const bytes = (packet.size >> 10) * KIBIBYTE
  switch (packet.type) {
    case 'subscribe':
      return bytes + SUBSCRIPTIONS + packet.subscriptions.length * FILTER
    case 'unsubscribe':
      return bytes + SUBSCRIPTIONS + packet.filters.length * FILTER
    case 'pingreq':
      return PING
    default:
      return bytes + PACKET
  }
}
