/** Delivers the last retained message of each topic to the new subscriptions of one device. */
import type { LogEntry } from '../../store/contract.ts'
import type { DrainContext } from './drain-context.ts'
import type { LogDrain } from './log-drain.ts'
import { freeRetainedPacketId } from './packet-ids.ts'
import type { Sender } from './sender.ts'
import type { Subscription } from './session-state.ts'

export class RetainedDeliveries {
  readonly #session: DrainContext
  readonly #sender: Sender
  /** New subscriptions whose retained message is to be sent. */
  #due: Set<Subscription> | undefined
  /** Sent and not acknowledged: packet id to the subscription it is for. */
  #sent: Map<number, Subscription> | undefined

  constructor(session: DrainContext, sender: Sender) {
    this.#session = session
    this.#sender = sender
  }

  get unacknowledged(): number {
    return this.#sent?.size ?? 0
  }

  get waiting(): boolean {
    return this.#due !== undefined
  }

  /** There is nothing to send, and nothing under way. */
  get isDone(): boolean {
    return this.#due === undefined && this.#sent === undefined
  }

  add(subscription: Subscription): void {
    this.#due ??= new Set()
    this.#due.add(subscription)
  }

  /** The one that has waited longest; undefined if none does. */
  first(): Subscription | undefined {
    const [subscription] = this.#due ?? []
    return subscription
  }

  /** Its retained message was offered, or there is none. */
  settle(subscription: Subscription): void {
    this.#due?.delete(subscription)
    if (this.#due?.size === 0) this.#due = undefined
  }

  offer(subscription: Subscription, log: LogDrain, entry: LogEntry | undefined): void {
    const now = this.#session.node.now()
    // It stays due in the session that is kept.
    if (!this.#session.live) return
    if (entry === undefined || entry.expiresAt <= now) {
      subscription.retainedDue = false
    } else if (this.#session.subscriptions.get(subscription.filter) !== subscription) {
      subscription.retainedDue = false
    } else if (entry.offset > log.sent) {
      // It waits in the log: sent twice it would be a duplicate, so the log's copy carries the flag [MQTT-3.3.1-8].
      log.retainedOffset = entry.offset
      subscription.retainedDue = false
    } else {
      this.#send(subscription, entry, now)
    }
  }

  #send(subscription: Subscription, entry: LogEntry, now: number): void {
    const used = this.#sent ?? new Map<number, Subscription>()
    const earlier = subscription.retainedSent
    const again = earlier?.offset === entry.offset && !used.has(earlier.packetId) ? earlier.packetId : undefined
    const packetId = subscription.qos === 0 ? undefined : (again ?? freeRetainedPacketId(used))
    if (subscription.qos > 0 && packetId === undefined) return
    const written = this.#sender.send(entry, {
      topic: subscription.filter,
      identifier: subscription.identifier,
      packetId,
      retain: true,
      // [MQTT-3.3.1-1], [MQTT-3.3.1-2]
      dup: packetId !== undefined && packetId === again,
      now,
    })
    if (!written || packetId === undefined) subscription.retainedDue = false
    if (!written || packetId === undefined) return
    subscription.retainedSent = { packetId, offset: entry.offset }
    used.set(packetId, subscription)
    this.#sent = used
  }

  acknowledged(packetId: number): void {
    const subscription = this.#sent?.get(packetId)
    if (subscription === undefined || this.#sent === undefined) return
    this.#sent.delete(packetId)
    if (this.#sent.size === 0) this.#sent = undefined
    subscription.retainedDue = false
    subscription.retainedSent = undefined
    this.#session
      .save()
      .catch((error: unknown) => this.#session.node.logger.warn({ err: error }, 'could not save a session'))
  }
}
