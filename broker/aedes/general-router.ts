/**
 * The router of general topics: who receives what, on this node and on others. Aedes routes; subscriptions, logs and
 * order are ours.
 */
import type { Aedes } from 'aedes'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { RetainedTopic, Store, SubscriptionChange, Watcher } from '../../store/contract.ts'
import type {
  GeneralGroups,
  GeneralMessage,
  GeneralReceiver,
  GeneralRouter,
  GeneralSubscription,
} from '../session/general.ts'
import type { QoS } from '../codec/packets.ts'
import { encodeSubscription } from '../session/subscription-record.ts'
import { attachAedes } from './attached-aedes.ts'
import { EmissionOrder } from './emission-order.ts'
import { LiveTable } from './live-table.ts'
import { LocalMessages } from './local-messages.ts'
import { decodeFromNode, encodeForNodes } from './node-messages.ts'
import { type NativePersistence, retainedInBoth } from './native-retained.ts'
import { NodeSession } from './node-session.ts'
import { createOwnAedes, type GeneralBroker } from './own-aedes.ts'
import { type DeliveryRules, Publication } from './publication.ts'
import type { RetainedMessages } from './retained-topics.ts'
import { SessionAppender } from './session-appender.ts'
import { SubscriptionFollower } from './subscription-follower.ts'
import { TableLease } from './table-lease.ts'

interface RouterOptions {
  readonly store: Store
  readonly logger: Logger
  /** Id of Aedes. */
  readonly id: string
  readonly retained: RetainedMessages
  /** Shared subscriptions. */
  readonly groups: GeneralGroups
  /** Each is read whenever it is needed. */
  readonly rules: DeliveryRules
  readonly randomId: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** After a store that does not answer, ms. */
const AGAIN_MS = 1_000

/** A router with an Aedes of its own. */
export async function openGeneralRouter(options: RouterOptions): Promise<OwnRouter> {
  const router = new OwnRouter(options)
  await router.open()
  return router
}

export class OwnRouter implements GeneralRouter {
  readonly #options: RouterOptions
  readonly #follower: SubscriptionFollower
  readonly #lease: TableLease | undefined
  readonly #appender: SessionAppender
  readonly #node: NodeSession | undefined
  readonly #live: LiveTable
  readonly #order = new EmissionOrder()
  readonly #local: LocalMessages
  #retained: RetainedMessages
  #broker: GeneralBroker | undefined
  #unwatch: (() => void) | undefined
  #again: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: RouterOptions) {
    const { store, logger, monotonic, groups, rules } = options
    this.#options = options
    this.#retained = options.retained
    this.#follower = new SubscriptionFollower(store)
    const { subscriptionLease } = store
    const follower = this.#follower
    this.#lease = subscriptionLease && new TableLease({ lease: subscriptionLease, follower, monotonic })
    this.#appender = new SessionAppender({ store, follower, lease: this.#lease, groups, rules, logger, monotonic })
    this.#node = store.nodes && new NodeSession({ store, node: store.nodes.name, logger })
    this.#live = new LiveTable(this.#node, rules)
    this.#local = new LocalMessages(options.now)
  }

  /** What is subscribed already is read from then on; who publishes before it is known waits for it. */
  async open(): Promise<void> {
    const { id, logger, retained, store } = this.#options
    this.#broker = await createOwnAedes({
      id,
      logger,
      retained,
      emit: (publication, left) => this.#emit(publication, left),
    })
    this.#unwatch = store.watch(this.#watcher())
    this.#follow()
  }

  /**
   * Instead of its own Aedes, before anybody is connected: that of the embedding program, whose clients hear and are heard.
   * `persistence` is the broker's, for what it retains already.
   */
  async attach(broker: Aedes, persistence: NativePersistence | undefined): Promise<void> {
    const { retained, now, randomId, logger } = this.#options
    const own = this.#broker
    if (persistence !== undefined) this.#retained = retainedInBoth(retained, persistence, now)
    this.#broker = await attachAedes({
      broker,
      retained,
      now,
      randomId,
      emit: (publication, left) => this.#emit(publication, left),
      heard: (message) => {
        this.publish(message).catch((error: unknown) =>
          logger.warn({ err: error }, 'could not deliver a message from a client of the attached broker to all users'),
        )
      },
    })
    await own?.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#again)
    this.#unwatch?.()
    await this.#broker?.close()
    await this.#node?.close()
    this.#options.retained.close()
  }

  async connect(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Promise<void> {
    this.#live.add(receiver)
    this.#live.set(receiver, subscriptions)
    await this.#node?.told(filtersOf(subscriptions))
  }

  disconnect(receiver: GeneralReceiver): void {
    this.#live.remove(receiver)
  }

  async subscribe(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Promise<void> {
    if (receiver.isKept) {
      const filters = subscriptions.map((each) => [each.name, encodeSubscription(each)] as const)
      await this.#change(receiver, filters)
    }
    const former = this.#live.set(receiver, subscriptions)
    try {
      await this.#node?.told(filtersOf(subscriptions))
    } catch (error) {
      this.#live.restore(receiver, former)
      throw error
    }
  }

  async unsubscribe(receiver: GeneralReceiver, names: readonly string[]): Promise<void> {
    if (receiver.isKept) {
      const filters = names.map((name) => [name] as const)
      await this.#change(receiver, filters)
    }
    this.#live.delete(receiver, names)
  }

  async #change({ name, epoch }: GeneralReceiver, filters: SubscriptionChange['filters']): Promise<void> {
    const change = { name, epoch, replaces: false, filters }
    const offset = await this.#options.store.changeSubscriptions(change)
    await this.#follower.changed(change, offset)
  }

  async publish(message: GeneralMessage): Promise<boolean> {
    if (this.#broker === undefined || this.#isClosed) throw new PushError('SHUTTING_DOWN')
    const publication = new Publication(message, (each) => this.#leave(each))
    this.#order.enter(message.from, publication)
    publication.storing = this.#appender.begin(publication)
    // Checked when it is emitted.
    publication.storing?.catch(() => undefined)
    await this.#broker.publish(publication).catch((error: unknown) => publication.fail(error))
    // Aedes did not come to emit it.
    if (!publication.isReady) this.#order.ready(message.from, publication)
    if (publication.error !== undefined) throw publication.error
    return publication.isHeard
  }

  forget(uid: string, message: Pick<GeneralMessage, 'topic' | 'from'>): void {
    this.#appender.forget(uid, message)
  }

  async *retained(filter: string): AsyncIterable<RetainedTopic> {
    yield* this.#local.matching(filter)
    yield* this.#retained.matching(filter)
  }

  /** As `GeneralAccess.setLocal`. */
  setLocal(topic: string, payload: Uint8Array | undefined, qos: QoS): void {
    this.#live.deliverLocal(this.#local.set(topic, payload, qos))
  }

  /** Of sessions that are kept, wherever they are, and of those here that are not. */
  get subscriptions(): { readonly own: number; readonly shared: number } {
    return { own: this.#live.unkept + this.#follower.counts.sessions, shared: this.#follower.counts.groups }
  }

  /** From Aedes, which has retained what is to be retained. */
  #emit(publication: Publication, left: () => void): void {
    publication.left = left
    const { from, retain } = publication.message
    const ready = (): void => this.#order.ready(from, publication)
    if (publication.storing === undefined && !retain) return ready()
    this.#stored(publication).then(ready, (error: unknown) => {
      publication.fail(error)
      ready()
    })
  }

  async #stored(publication: Publication): Promise<void> {
    await publication.storing
    if (publication.error === undefined) await this.#appender.finish(publication)
  }

  /** In the order of the calls. */
  #leave(publication: Publication): void {
    const { message, error, nodes } = publication
    const left = (): void => publication.left?.()
    if (error !== undefined || publication.left === undefined) return left()
    if (this.#live.deliver(message, publication)) publication.isHeard = true
    this.#tellGroups(publication)
    if (nodes.length === 0 || this.#options.store.nodes === undefined) return left()
    this.#options.store.nodes.tell(nodes, encodeForNodes(message)).then(left, (failure: unknown) => {
      publication.fail(failure)
      left()
    })
  }

  /** QoS 0 for a member on another node: the first with room gets it. */
  #tellGroups({ groups: matched, message }: Publication): void {
    const { groups, logger } = this.#options
    const elsewhere = matched.filter((name) => !groups.isHere(name))
    if (elsewhere.length > 0)
      groups
        .append(elsewhere, message)
        .catch((error: unknown) => logger.debug({ err: error }, 'lost a QoS 0 message of a shared subscription'))
  }

  #watcher(): Watcher {
    const nothing = (): void => undefined
    return {
      privateAppended: nothing,
      broadcastAppended: nothing,
      sessionEnded: nothing,
      cursorMoved: nothing,
      cursorsLost: nothing,
      namedSessionEnded: (name, epoch) => this.#node?.ended(name, epoch),
      subscriptionsChanged: (offset, by) => void this.#changed(offset, by).catch(nothing),
      told: (bytes) => {
        const message = decodeFromNode(bytes)
        if (message !== undefined) this.#live.deliver(message)
      },
      resync: () => {
        this.#follow()
        this.#node?.check().catch(nothing)
      },
    }
  }

  /** By whichever node. The next publish, or the end of the lease, detects what fails here. */
  async #changed(offset: number, by: string | undefined): Promise<void> {
    await this.#follower.catchUp(offset)
    if (by !== undefined && by !== this.#options.store.nodes?.name) this.#lease?.read(by)
  }

  /** Until the store has answered once. */
  #follow(): void {
    this.#followToEnd().catch((error: unknown) => {
      if (this.#isClosed) return
      this.#options.logger.warn({ err: error }, 'could not read subscriptions, trying again')
      clearTimeout(this.#again)
      this.#again = setTimeout(() => this.#follow(), AGAIN_MS).unref()
    })
  }

  async #followToEnd(): Promise<void> {
    await this.#follower.catchUp(await this.#options.store.subscriptionsEnd())
  }
}

function filtersOf(subscriptions: readonly GeneralSubscription[]): readonly string[] {
  return subscriptions.filter(({ group }) => group === undefined).map(({ filter }) => filter)
}
