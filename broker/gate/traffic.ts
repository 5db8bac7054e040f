/** Traffic counters of all connections of this process: plain numbers. */
import type { Packet, ProtocolLevel } from '../codec/packets.ts'

const PUBLISH = 3
const QOS_BITS = 0x06

export class Traffic {
  bytesReceived = 0
  bytesSent = 0
  packetsReceived = 0
  packetsSent = 0
  connectsReceived = 0
  publishesReceived = 0
  publishesSent = 0
  /** To users, for lack of room. */
  publishesDropped = 0
  payloadBytesReceived = 0
  payloadBytesSent = 0
  socketsOpened = 0
  /** Clients whose CONNECT was accepted, now. */
  connected = 0

  received(packet: Packet): void {
    this.packetsReceived += 1
    if (packet.type === 'connect') this.connectsReceived += 1
    if (packet.type !== 'publish') return
    this.publishesReceived += 1
    this.payloadBytesReceived += packet.payload.byteLength
  }

  sent(packet: Uint8Array, level: ProtocolLevel | undefined): void {
    this.packetsSent += 1
    this.bytesSent += packet.byteLength
    if ((packet[0] ?? 0) >> 4 !== PUBLISH) return
    this.publishesSent += 1
    this.payloadBytesSent += payloadSize(packet, level)
  }
}

/** Of an encoded PUBLISH. */
function payloadSize(packet: Uint8Array, level: ProtocolLevel | undefined): number {
  let at = 1
  while ((packet[at] ?? 0) >= 0x80) at += 1
  at += 1
  at += 2 + (((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0))
  if (((packet[0] ?? 0) & QOS_BITS) !== 0) at += 2
  if (level === 5) {
    let length = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = packet[at] ?? 0
      at += 1
      length += (byte & 0x7f) * factor
      if (byte < 0x80) break
    }
    at += length
  }
  return packet.byteLength - at
}
