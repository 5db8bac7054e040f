/** The routing table: filters without wildcards by their text, filters with wildcards as a tree of levels. */
import type { QoS } from '../codec/packets.ts'
import type { GeneralDelivery, GeneralMessage } from '../session/general.ts'
import { SmallMap } from '../../common/small-map.ts'
import { identifierOf, isNoLocal, isRetainAsPublished, type PackedOptions, qosOf } from './subscription-options.ts'

/** Has subscriptions in one table. */
export class Subscriber {
  readonly name: string
  /** As the table knows them. */
  readonly filters = new SmallMap<string, PackedOptions>()
  /** Of the table: the lookup that has found it last, and where. */
  foundIn = 0
  foundAt = 0

  constructor(name: string) {
    this.name = name
  }
}

/** One subscriber, over all of its subscriptions that match. */
export class Match<S extends Subscriber> {
  readonly subscriber: S
  /** The highest that was granted [MQTT-3.3.4-2]. */
  granted: QoS
  retainAsPublished: boolean
  /** Identifiers of every subscription that has one [MQTT-3.3.4-3], [MQTT-3.3.4-4]. */
  identifiers: number[] | undefined

  constructor(subscriber: S, options: PackedOptions) {
    this.subscriber = subscriber
    this.granted = qosOf(options)
    this.retainAsPublished = isRetainAsPublished(options)
    this.identifiers = undefined
    this.#identify(options)
  }

  add(options: PackedOptions): void {
    const qos = qosOf(options)
    if (qos > this.granted) this.granted = qos
    if (isRetainAsPublished(options)) this.retainAsPublished = true
    this.#identify(options)
  }

  #identify(options: PackedOptions): void {
    const identifier = identifierOf(options)
    if (identifier === 0) return
    this.identifiers ??= []
    if (!this.identifiers.includes(identifier)) this.identifiers.push(identifier)
  }

  /** `upgrades`: with the QoS that was granted, whatever its own is. */
  deliveryOf({ qos, retain }: Pick<GeneralMessage, 'qos' | 'retain'>, upgrades = false): GeneralDelivery {
    return {
      qos: qos < this.granted && !upgrades ? qos : this.granted,
      retain: retain && this.retainAsPublished,
      identifiers: this.identifiers ?? NONE,
    }
  }
}

const NONE: readonly number[] = []

/** The subscribers of one filter. */
type Holders<S extends Subscriber> = SmallMap<S, PackedOptions>

/** What a topic matches. */
export class Found<S extends Subscriber> {
  /** Each subscriber once; without those whose subscriptions have No Local and who published it. */
  readonly matches: Match<S>[] = []
  /**
   * The publisher has a matching subscription with No Local: there is a subscriber, but it must not get the message.
   */
  hasPublisher = false
  readonly #number: number
  readonly #from: string

  constructor(number: number, from: string) {
    this.#number = number
    this.#from = from
  }

  readonly add = (options: PackedOptions, subscriber: S): void => {
    // [MQTT-3.8.3-3]
    if (isNoLocal(options) && subscriber.name === this.#from) {
      this.hasPublisher = true
      return
    }
    const known = subscriber.foundIn === this.#number ? this.matches[subscriber.foundAt] : undefined
    if (known !== undefined) {
      known.add(options)
      return
    }
    subscriber.foundIn = this.#number
    subscriber.foundAt = this.matches.push(new Match(subscriber, options)) - 1
  }
}

interface Level<S extends Subscriber> {
  next: SmallMap<string, Level<S>> | undefined
  holders: Holders<S> | undefined
}

const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.endsWith('#')

export class RoutingTable<S extends Subscriber> {
  readonly #exact = new Map<string, Holders<S>>()
  readonly #root: Level<S> = { next: undefined, holders: undefined }
  #lookups = 0

  /** Replaces what it has for this filter. */
  set(subscriber: S, filter: string, options: PackedOptions): void {
    subscriber.filters.set(filter, options)
    if (hasWildcard(filter)) {
      this.#holdersOf(filter).set(subscriber, options)
      return
    }
    const known = this.#exact.get(filter)
    const holders = known ?? new SmallMap<S, PackedOptions>()
    if (known === undefined) this.#exact.set(filter, holders)
    holders.set(subscriber, options)
  }

  delete(subscriber: S, filter: string): void {
    if (!subscriber.filters.delete(filter)) return
    if (hasWildcard(filter)) {
      this.#deleteWildcard(subscriber, filter)
      return
    }
    const holders = this.#exact.get(filter)
    holders?.delete(subscriber)
    if (holders?.size === 0) this.#exact.delete(filter)
  }

  clear(subscriber: S): void {
    for (const filter of subscriber.filters.keys()) this.delete(subscriber, filter)
  }

  /** `from`: the name of who published it. */
  match(topic: string, from: string): Found<S> {
    const found = new Found<S>(++this.#lookups, from)
    this.#exact.get(topic)?.forEach(found.add)
    if (this.#root.next !== undefined) {
      // [MQTT-4.7.2-1]
      walk(this.#root, topic.split('/'), 0, !topic.startsWith('$'), found)
    }
    return found
  }

  #holdersOf(filter: string): Holders<S> {
    let level = this.#root
    for (const text of filter.split('/')) {
      level.next ??= new SmallMap()
      const known = level.next.get(text)
      const next = known ?? { next: undefined, holders: undefined }
      if (known === undefined) level.next.set(text, next)
      level = next
    }
    level.holders ??= new SmallMap()
    return level.holders
  }

  #deleteWildcard(subscriber: S, filter: string): void {
    const texts = filter.split('/')
    const path = [this.#root]
    for (const text of texts) {
      const next = path.at(-1)?.next?.get(text)
      if (next === undefined) return
      path.push(next)
    }
    const last = path.at(-1)
    last?.holders?.delete(subscriber)
    if (last?.holders?.size === 0) last.holders = undefined
    for (let at = texts.length; at > 0; at--) {
      const level = path[at]
      const above = path[at - 1]
      if (level?.holders !== undefined || level?.next !== undefined) return
      above?.next?.delete(texts[at - 1] ?? '')
      if (above?.next?.size === 0) above.next = undefined
    }
  }
}

function walk<S extends Subscriber>(
  level: Level<S>,
  topic: readonly string[],
  at: number,
  mayBeWildcard: boolean,
  found: Found<S>,
): void {
  const { next } = level
  // `a/#` matches `a` as well [MQTT-4.7.1-2].
  if (mayBeWildcard) next?.get('#')?.holders?.forEach(found.add)
  const text = topic[at]
  if (text === undefined) {
    level.holders?.forEach(found.add)
    return
  }
  const exact = next?.get(text)
  if (exact !== undefined) walk(exact, topic, at + 1, true, found)
  const any = mayBeWildcard ? next?.get('+') : undefined
  if (any !== undefined) walk(any, topic, at + 1, true, found)
}
