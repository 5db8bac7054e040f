/** A provider's connection: PUBLISH packets in batches, at most a window of them without a PUBACK. */
import { MqttConnection, PUBACK } from './connection.ts'
import type { PublishTemplate } from './packets.ts'

export class Publisher extends MqttConnection {
  /** All that it publishes, where it may publish to one topic alone. */
  template: PublishTemplate | undefined
  unacknowledged = 0
  /** Called after a read that brought PUBACKs. */
  onAcknowledged: () => void = () => undefined
  #packetId = 0

  /** Copies the templates, one packet each, with packet ids of this connection; `fill` writes the numbers. */
  publish(
    templates: readonly PublishTemplate[],
    fill: (batch: Buffer, payloadAt: number, place: number) => void,
  ): void {
    const batch = Buffer.allocUnsafe(templates.reduce((sum, { bytes }) => sum + bytes.length, 0))
    let at = 0
    templates.forEach(({ bytes, packetIdAt, payloadAt }, place) => {
      bytes.copy(batch, at)
      this.#packetId = (this.#packetId % 0xffff) + 1
      batch.writeUInt16BE(this.#packetId, at + packetIdAt)
      fill(batch, at + payloadAt, place)
      at += bytes.length
    })
    this.unacknowledged += templates.length
    this.write(batch)
  }

  protected override packet(type: number): void {
    if (type === PUBACK) this.unacknowledged -= 1
  }

  protected override turn(): void {
    this.onAcknowledged()
  }
}
