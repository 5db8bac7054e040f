/** A router of general topics with everything in one table of this process: what sessions are tested with by themselves. */
import { filterMatches } from '../../../broker/codec/topic-syntax.ts'
import type {
  GeneralDelivery,
  GeneralMessage,
  GeneralReceiver,
  GeneralRouter,
  GeneralSubscription,
} from '../../../broker/session/general.ts'
import { decodeSubscription, encodeSubscription } from '../../../broker/session/subscription-record.ts'
import type { RetainedTopic, SessionDelivery, Store } from '../../../store/contract.ts'

interface Known {
  receiver: GeneralReceiver | undefined
  isKept: boolean
  readonly subscriptions: Map<string, GeneralSubscription>
}

export class MemoryRouter implements GeneralRouter {
  readonly published: GeneralMessage[] = []
  readonly forgotten: string[] = []
  readonly #store: Store
  readonly #sessions = new Map<string, Known>()
  readonly #retained = new Map<string, RetainedTopic>()

  constructor(store: Store) {
    this.#store = store
  }

  /** What kept sessions are subscribed to, after a start. */
  async open(): Promise<void> {
    for await (const { name, filters } of this.#store.subscriptions()) {
      const known = this.#known(name)
      known.isKept = true
      for (const [filter, options] of filters) {
        const subscription = decodeSubscription(filter, options)
        if (subscription !== undefined) known.subscriptions.set(filter, subscription)
      }
    }
  }

  #known(name: string): Known {
    const known = this.#sessions.get(name) ?? { receiver: undefined, isKept: false, subscriptions: new Map() }
    this.#sessions.set(name, known)
    return known
  }

  async connect(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Promise<void> {
    this.#sessions.delete(receiver.name)
    const known = this.#known(receiver.name)
    known.receiver = receiver
    known.isKept = receiver.isKept
    for (const each of subscriptions) known.subscriptions.set(each.name, each)
  }

  disconnect(receiver: GeneralReceiver): void {
    const known = this.#sessions.get(receiver.name)
    if (known?.receiver !== receiver) return
    if (known.isKept) known.receiver = undefined
    else this.#sessions.delete(receiver.name)
  }

  async subscribe(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Promise<void> {
    const { name, epoch, isKept } = receiver
    const filters = subscriptions.map((each) => [each.name, encodeSubscription(each)] as const)
    if (isKept) await this.#store.changeSubscriptions({ name, epoch, replaces: false, filters })
    for (const each of subscriptions) this.#known(name).subscriptions.set(each.name, each)
  }

  async unsubscribe({ name, epoch, isKept }: GeneralReceiver, names: readonly string[]): Promise<void> {
    const filters = names.map((each) => [each] as const)
    if (isKept) await this.#store.changeSubscriptions({ name, epoch, replaces: false, filters })
    for (const each of names) this.#known(name).subscriptions.delete(each)
  }

  async publish(message: GeneralMessage): Promise<boolean> {
    this.published.push(message)
    if (message.retain && message.payload.byteLength === 0) this.#retained.delete(message.topic)
    else if (message.retain) this.#retained.set(message.topic, message)
    const to: SessionDelivery[] = []
    let isHeard = false
    for (const [name, { receiver, isKept, subscriptions }] of this.#sessions) {
      const delivery = deliveryOf(subscriptions.values(), message, name)
      if (delivery === undefined) continue
      isHeard = true
      const { qos, retain, identifiers } = delivery
      if (!isKept || qos === 0) receiver?.arrived(message, delivery)
      else to.push({ name, qos, retain, identifiers })
    }
    if (to.length > 0) {
      const { topic, uid } = message
      await this.#store.appendSessions({ topic, message, to, ...(uid === undefined ? {} : { uid }) })
    }
    return isHeard
  }

  forget(uid: string): void {
    this.forgotten.push(uid)
  }

  async *retained(filter: string): AsyncIterable<RetainedTopic> {
    for (const message of [...this.#retained.values()])
      if (filterMatches(filter, message.topic.split('/'))) yield message
  }
}

function deliveryOf(
  subscriptions: Iterable<GeneralSubscription>,
  { topic, qos, retain, from }: GeneralMessage,
  name: string,
): GeneralDelivery | undefined {
  const levels = topic.split('/')
  const matching = [...subscriptions].filter(
    (each) => filterMatches(each.filter, levels) && !(each.noLocal && from === name),
  )
  if (matching.length === 0) return undefined
  const granted = matching.reduce<0 | 1 | 2>((highest, each) => (each.qos > highest ? each.qos : highest), 0)
  return {
    qos: granted < qos ? granted : qos,
    retain: retain && matching.some((each) => each.retainAsPublished),
    identifiers: matching.map((each) => each.identifier).filter((each) => each > 0),
  }
}
