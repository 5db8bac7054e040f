/** The clients connected to this node with their subscriptions, and what the node needs from other nodes for them. */
import type { GeneralMessage, GeneralReceiver, GeneralSubscription } from '../session/general.ts'
import type { NodeSession } from './node-session.ts'
import type { DeliveryRules, Publication } from './publication.ts'
import { RoutingTable, Subscriber } from './routing-table.ts'
import { type PackedOptions, packOptions, qosOf } from './subscription-options.ts'

class LiveSubscriber extends Subscriber {
  readonly receiver: GeneralReceiver

  constructor(receiver: GeneralReceiver) {
    super(receiver.name)
    this.receiver = receiver
  }
}

export class LiveTable {
  readonly #node: NodeSession | undefined
  readonly #rules: DeliveryRules
  readonly #routes = new RoutingTable<LiveSubscriber>()
  readonly #subscribers = new Map<string, LiveSubscriber>()
  /** Subscriptions of sessions that are not kept. */
  unkept = 0

  constructor(node: NodeSession | undefined, rules: DeliveryRules) {
    this.#node = node
    this.#rules = rules
  }

  /** Replaces a receiver of the same name. */
  add(receiver: GeneralReceiver): void {
    const before = this.#subscribers.get(receiver.name)
    if (before !== undefined) this.remove(before.receiver)
    this.#subscribers.set(receiver.name, new LiveSubscriber(receiver))
  }

  remove(receiver: GeneralReceiver): void {
    const subscriber = this.#of(receiver)
    if (subscriber === undefined) return
    for (const filter of subscriber.filters.keys()) this.#delete(subscriber, filter)
    this.#subscribers.delete(receiver.name)
  }

  /** Does nothing for a receiver that has disconnected. Returns the previous options. */
  set(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Former {
    const former: [string, PackedOptions | undefined][] = []
    const subscriber = this.#of(receiver)
    if (subscriber === undefined) return former
    for (const subscription of subscriptions) {
      const { filter, group } = subscription
      if (group !== undefined) continue
      former.push([filter, subscriber.filters.get(filter)])
      this.#set(subscriber, filter, packOptions(subscription))
    }
    return former
  }

  restore(receiver: GeneralReceiver, former: Former): void {
    const subscriber = this.#of(receiver)
    if (subscriber === undefined) return
    for (const [filter, options] of former) {
      if (options === undefined) this.#delete(subscriber, filter)
      else this.#set(subscriber, filter, options)
    }
  }

  delete(receiver: GeneralReceiver, names: readonly string[]): void {
    const subscriber = this.#of(receiver)
    if (subscriber !== undefined) for (const name of names) this.#delete(subscriber, name)
  }

  /** Delivers what does not go through logs. True if somebody here subscribed. */
  deliver(message: GeneralMessage, publication?: Publication): boolean {
    const { queueQos0 = false, upgradeOutgoingQos } = this.#rules
    const { matches, hasPublisher } = this.#routes.match(message.topic, message.from)
    for (const match of matches) {
      const { receiver } = match.subscriber
      const delivery = match.deliveryOf(message, upgradeOutgoingQos)
      if (receiver.isGroup === true && publication === undefined) continue
      if (!receiver.isKept) receiver.arrived(message, delivery)
      // Its subscription may have changed since it was looked for: the log has it, or it comes here, and never both.
      else if (publication === undefined ? delivery.qos === 0 && !queueQos0 : !publication.isGivenTo(receiver.name))
        receiver.arrived(message, delivery.qos === 0 ? delivery : { ...delivery, qos: 0 })
    }
    return matches.length > 0 || hasPublisher
  }

  /** A message of this process alone: no log has it. */
  deliverLocal(message: GeneralMessage): void {
    for (const match of this.#routes.match(message.topic, '').matches) {
      const { receiver } = match.subscriber
      if (receiver.isGroup !== true) receiver.arrived(message, match.deliveryOf(message))
    }
  }

  #of(receiver: GeneralReceiver): LiveSubscriber | undefined {
    const subscriber = this.#subscribers.get(receiver.name)
    return subscriber?.receiver === receiver ? subscriber : undefined
  }

  #set(subscriber: LiveSubscriber, filter: string, options: PackedOptions): void {
    const { isKept, isGroup } = subscriber.receiver
    const before = subscriber.filters.get(filter)
    if (before === undefined && !isKept) this.unkept += 1
    // Another node stores QoS 0 for it, where it has none of its members: one of all gets it.
    if (isGroup !== true) this.#node?.add(filter, isKept, qosOf(options))
    if (before !== undefined && isGroup !== true) this.#node?.remove(filter, isKept, qosOf(before))
    this.#routes.set(subscriber, filter, options)
  }

  #delete(subscriber: LiveSubscriber, filter: string): void {
    const before = subscriber.filters.get(filter)
    if (before === undefined) return
    const { isKept, isGroup } = subscriber.receiver
    if (!isKept) this.unkept -= 1
    if (isGroup !== true) this.#node?.remove(filter, isKept, qosOf(before))
    this.#routes.delete(subscriber, filter)
  }
}

/** Subscriptions as they were. */
export type Former = readonly (readonly [filter: string, options: PackedOptions | undefined])[]
