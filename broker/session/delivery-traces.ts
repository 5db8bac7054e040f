/** Spans of the messages in flight on one connection, from PUBLISH to PUBACK. */
import { traceparentIn, type TraceSpan, type Tracing } from '../../common/tracing.ts'
import type { LogEntry } from '../../store/contract.ts'
import type { DeviceLog } from './log-drain.ts'

export class DeliveryTraces {
  readonly #tracing: Tracing
  readonly #app: string
  /** By packet id. */
  readonly #underWay = new Map<number, TraceSpan>()

  constructor(tracing: Tracing, app: string) {
    this.#tracing = tracing
    this.#app = app
  }

  /** `packetId` undefined: with QoS 0, which nobody acknowledges. */
  sent(destination: DeviceLog, entry: LogEntry, packetId: number | undefined, dup: boolean): void {
    const traceparent = traceparentIn(entry.properties)
    if (traceparent === undefined) return
    const span = this.#tracing.begin('consumer', `deliver ${destination}`, traceparent, {
      'messaging.system': 'mqtt',
      'messaging.message.id': entry.id,
      'push.app': this.#app,
      'mqtt.qos': packetId === undefined ? 0 : 1,
      'mqtt.dup': dup ? 1 : 0,
    })
    if (packetId === undefined) span?.end()
    else if (span !== undefined) this.#underWay.set(packetId, span)
  }

  acknowledged(packetId: number): void {
    this.#underWay.get(packetId)?.end()
    this.#underWay.delete(packetId)
  }

  /** The connection is over. */
  stop(): void {
    for (const span of this.#underWay.values()) span.end({}, 'NOT_ACKNOWLEDGED')
    this.#underWay.clear()
  }
}
