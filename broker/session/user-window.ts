/** Unacknowledged messages in flight to one user, by packet id. */
import type { ConnectPacket } from '../codec/packets.ts'

export interface UnderWay {
  readonly qos: 1 | 2
  /** In the log of the session; 0: it came from memory. */
  readonly offset: number
  /** QoS 2: PUBREC has come, and that is durable where it is to be. */
  released: boolean
  /** That is being written. */
  releasing: boolean
}

const PACKET_IDS = 65_535

export class UserWindow {
  readonly #quota: number
  readonly #underWay = new Map<number, UnderWay>()

  constructor(window: number, connect: ConnectPacket) {
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]
    this.#quota = Math.min(window, connect.properties.receiveMaximum ?? PACKET_IDS)
  }

  /** How many more may go. */
  get room(): number {
    return this.#quota - this.#underWay.size
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0
  }

  get(packetId: number): UnderWay | undefined {
    return this.#underWay.get(packetId)
  }

  has(packetId: number): boolean {
    return this.#underWay.has(packetId)
  }

  track(packetId: number, qos: 1 | 2, offset: number, released = false): void {
    this.#underWay.set(packetId, { qos, offset, released, releasing: false })
  }

  delete(packetId: number): void {
    this.#underWay.delete(packetId)
  }

  /** The next one from there on that is not in use. */
  free(from: number, first: number): number {
    let packetId = from > PACKET_IDS ? first : from
    while (this.#underWay.has(packetId)) packetId = packetId === PACKET_IDS ? first : packetId + 1
    return packetId
  }
}
