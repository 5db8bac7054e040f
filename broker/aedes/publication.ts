/** A message on its way through the router. */
import { PushError } from '../../errors.ts'
import type { SessionDelivery } from '../../store/contract.ts'
import type { GeneralMessage } from '../session/general.ts'
import type { GeneralRules } from '../session/general-rules.ts'
import type { Emission } from './emission-order.ts'
import type { RoutingTable } from './routing-table.ts'
import type { StoredSubscriber } from './subscription-follower.ts'

/** Which of QoS 0 is kept, see `GeneralRules`. */
export type DeliveryRules = Pick<GeneralRules, 'queueQos0' | 'upgradeOutgoingQos'>

export class Publication implements Emission {
  readonly message: GeneralMessage
  readonly #leave: (publication: Publication) => void
  isReady = false
  /** Why it is not acknowledged. */
  error: PushError | undefined
  /** Somebody subscribed. */
  isHeard = false
  /** Other nodes that want it. */
  nodes: readonly string[] = []
  /** QoS 0: shared subscriptions that match. */
  groups: readonly string[] = []
  /** The position of the table of subscriptions when it was last matched. */
  matchedAt = -1
  /** While it is being stored. */
  storing: Promise<void> | undefined
  /** Told when it has left. */
  left: (() => void) | undefined
  /** Kept sessions that it has been given to, which need not have taken it. */
  #given: Set<string> | undefined

  constructor(message: GeneralMessage, leave: (publication: Publication) => void) {
    this.message = message
    this.#leave = leave
  }

  leave(): void {
    this.#leave(this)
  }

  fail(error: unknown): void {
    this.error ??=
      error instanceof PushError ? error : new PushError('STORE_UNAVAILABLE', 'MQTT state', { cause: error })
  }

  isGivenTo(name: string): boolean {
    return this.#given?.has(name) === true
  }

  /** Matches it against the table: returns the kept sessions whose logs do not have it yet. */
  match(
    routes: RoutingTable<StoredSubscriber>,
    offset: number,
    ownNode: string | undefined,
    rules: DeliveryRules,
  ): SessionDelivery[] {
    const { topic, from, qos } = this.message
    this.matchedAt = offset
    const { queueQos0 = false, upgradeOutgoingQos = false } = rules
    const nodes: string[] = []
    const groups: string[] = []
    const to: SessionDelivery[] = []
    for (const match of routes.match(topic, from).matches) {
      const { name, node, isGroup } = match.subscriber
      if (node !== undefined) {
        // One that was granted QoS 0 has QoS 1 and 2 from the logs of its sessions.
        if (node !== ownNode && (qos === 0 || match.granted > 0)) nodes.push(node)
        continue
      }
      this.isHeard = true
      const delivery = match.deliveryOf(this.message, upgradeOutgoingQos && !isGroup)
      if (isGroup && delivery.qos === 0) groups.push(name)
      if (delivery.qos === 0 && (isGroup || !queueQos0)) continue
      if (this.isGivenTo(name)) continue
      this.#given ??= new Set()
      this.#given.add(name)
      to.push({ name, qos: delivery.qos, retain: delivery.retain, identifiers: delivery.identifiers })
    }
    this.nodes = nodes
    this.groups = groups
    if (nodes.length > 0) this.isHeard = true
    return to
  }
}
