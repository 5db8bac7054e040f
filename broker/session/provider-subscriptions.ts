/** The subscriptions of one provider, and which of them match a message of a device (MQTT 5 section 4.7). */
import { mayProviderSubscribe, mayUse, type Provider } from '../../topics/index.ts'
import { filterMatches, sharedFilter } from '../codec/topic-syntax.ts'

export interface ProviderSubscription {
  /** As in SUBSCRIBE, `$share/<group>/` included. */
  readonly name: string
  readonly app: string
  /** Without the share. */
  readonly filter: string
  readonly group: string | undefined
  /** Granted. */
  readonly qos: 0 | 1
  readonly retainAsPublished: boolean
  /** 0 for none. */
  readonly identifier: number
  /** The retained messages that it matches are due to the client: not sent, or not acknowledged. */
  retainedDue: boolean
}

export interface Match {
  /** The highest that was granted [MQTT-3.3.4-2]. */
  readonly qos: 0 | 1
  readonly retainAsPublished: boolean
  /** Identifiers of every subscription that has one [MQTT-3.3.4-3], [MQTT-3.3.4-4]. */
  readonly identifiers: readonly number[]
}

/** Undefined: it may not subscribe to that. */
export function placeOf(
  provider: Provider,
  name: string,
): Pick<ProviderSubscription, 'app' | 'filter' | 'group'> | undefined {
  let group: string | undefined
  let filter = name
  try {
    const shared = sharedFilter(name)
    group = shared?.group
    filter = shared?.filter ?? name
  } catch {
    // Before MQTT 5 the gate lets a share pass that is not well-formed.
    return undefined
  }
  if (!mayUse(provider, 'messages:read') || !mayProviderSubscribe(provider, filter)) return undefined
  return { app: filter.slice(0, filter.indexOf('/')), filter, group }
}

export class ProviderSubscriptions {
  readonly #byName = new Map<string, ProviderSubscription>()

  get size(): number {
    return this.#byName.size
  }

  all(): ProviderSubscription[] {
    return [...this.#byName.values()]
  }

  get(name: string): ProviderSubscription | undefined {
    return this.#byName.get(name)
  }

  set(subscription: ProviderSubscription): void {
    this.#byName.set(subscription.name, subscription)
  }

  delete(name: string): ProviderSubscription | undefined {
    const subscription = this.#byName.get(name)
    this.#byName.delete(name)
    return subscription
  }

  /** Apps with a subscription that is not shared: the session reads their logs itself. */
  apps(): Set<string> {
    return new Set(this.all().flatMap(({ app, group }) => (group === undefined ? [app] : [])))
  }

  /** Of those that are not shared. */
  match(topic: string): Match | undefined {
    const levels = topic.split('/')
    let qos: 0 | 1 | undefined
    let retainAsPublished = false
    let identifiers: number[] | undefined
    for (const subscription of this.#byName.values()) {
      if (subscription.group !== undefined || !filterMatches(subscription.filter, levels)) continue
      if (qos === undefined || subscription.qos > qos) qos = subscription.qos
      if (subscription.retainAsPublished) retainAsPublished = true
      if (subscription.identifier > 0) (identifiers ??= []).push(subscription.identifier)
    }
    return qos === undefined ? undefined : { qos, retainAsPublished, identifiers: identifiers ?? NONE }
  }
}

const NONE: readonly number[] = []
