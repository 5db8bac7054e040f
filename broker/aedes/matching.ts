/** Which of a client's subscriptions a topic matches (MQTT 5 section 4.7), and what they ask for together. */
import type { QoS } from '../codec/packets.ts'
import { filterMatches } from '../codec/topic-syntax.ts'

/** A subscription as Aedes holds it for a live client. */
export interface HeldSubscription {
  readonly qos: QoS
  /** No Local. */
  readonly nl?: boolean
  /** Retain As Published. */
  readonly rap?: boolean
  /** Subscription Identifier. */
  readonly si?: number
}

interface Match {
  /** The highest that was granted [MQTT-3.3.4-2]. */
  readonly qos: QoS
  readonly retainAsPublished: boolean
  /** Of every subscription that has one [MQTT-3.3.4-3], [MQTT-3.3.4-4]. */
  readonly identifiers: readonly number[]
}

/** Undefined when none matches; 'own' when only those do that do not want what the client itself published. */
export function match(
  subscriptions: Readonly<Record<string, HeldSubscription>>,
  topic: string,
  isOwn: boolean,
): Match | 'own' | undefined {
  const levels = topic.split('/')
  const identifiers = new Set<number>()
  let qos: QoS | undefined
  let retainAsPublished = false
  let left = false
  for (const [filter, subscription] of Object.entries(subscriptions)) {
    if (filter !== topic && !filterMatches(filter, levels)) continue
    // [MQTT-3.8.3-3]
    if (isOwn && subscription.nl === true) {
      left = true
      continue
    }
    if (qos === undefined || subscription.qos > qos) qos = subscription.qos
    if (subscription.rap === true) retainAsPublished = true
    if (subscription.si !== undefined) identifiers.add(subscription.si)
  }
  if (qos === undefined) return left ? 'own' : undefined
  return { qos, retainAsPublished, identifiers: [...identifiers] }
}
