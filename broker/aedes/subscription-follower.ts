/**
 * The subscriptions in the store as a table in this process: read once, then updated from the log of changes. Notices
 * are hints; only `catchUp` guarantees completeness.
 */
import type { SessionSubscriptions, Store, SubscriptionChange } from '../../store/contract.ts'
import { SHARE } from '../codec/topic-syntax.ts'
import { GROUP_SESSIONS, NODE_SESSIONS } from '../session/general.ts'
import { decodeSubscription } from '../session/subscription-record.ts'
import { RoutingTable, Subscriber } from './routing-table.ts'
import { type PackedOptions, packOptions, PLAIN_OPTIONS } from './subscription-options.ts'

/** A session that is kept, or what another node wants to be told of. */
export class StoredSubscriber extends Subscriber {
  /** The name of the node, where it is one. */
  readonly node: string | undefined
  /** A shared subscription. */
  readonly isGroup: boolean

  constructor(name: string) {
    super(name)
    this.node = name.startsWith(NODE_SESSIONS) ? name.slice(NODE_SESSIONS.length) : undefined
    this.isGroup = name.startsWith(GROUP_SESSIONS)
  }
}

type FollowedStore = Pick<Store, 'subscriptionsEnd' | 'readSubscriptions' | 'subscriptions'>

/** Changes that are read with one call. */
const CHANGES = 1_000
const NONE = { sessions: 0, groups: 0 }
/** After this many sessions, the log is read again. */
const SESSIONS = 5_000

class Table {
  readonly routes = new RoutingTable<StoredSubscriber>()
  readonly #subscribers = new Map<string, StoredSubscriber>()
  /** Subscriptions of sessions, and of shared ones that have members. */
  readonly counts = { sessions: 0, groups: 0 }
  /** Options that are the same object need not be read again. */
  #last: { readonly options: Uint8Array; readonly packed: PackedOptions } = { options: new Uint8Array(), packed: 0 }

  change({ name, replaces, filters }: Pick<SubscriptionChange, 'name' | 'replaces' | 'filters'>): void {
    const subscriber = this.#subscribers.get(name) ?? new StoredSubscriber(name)
    const before = subscriber.filters.size
    if (replaces) this.routes.clear(subscriber)
    for (const [filter, options] of filters) {
      if (options === undefined) this.routes.delete(subscriber, filter)
      else this.#set(subscriber, filter, options)
    }
    this.#count(subscriber, subscriber.filters.size - before)
    if (subscriber.filters.size > 0) this.#subscribers.set(name, subscriber)
    else this.#subscribers.delete(name)
  }

  #count({ node, isGroup }: StoredSubscriber, more: number): void {
    if (isGroup) this.counts.groups += more
    else if (node === undefined) this.counts.sessions += more
  }

  #set(subscriber: StoredSubscriber, filter: string, options: Uint8Array): void {
    if (options === this.#last.options && !filter.startsWith(SHARE)) {
      this.routes.set(subscriber, filter, this.#last.packed)
      return
    }
    const subscription = decodeSubscription(filter, options)
    // A form of another version gets everything, so that nothing is lost for it; what is shared, its group gets.
    if (subscription === undefined) this.routes.set(subscriber, filter, PLAIN_OPTIONS)
    else if (subscription.group === undefined) {
      const packed = packOptions(subscription)
      this.#last = { options, packed }
      this.routes.set(subscriber, filter, packed)
    }
  }
}

export class SubscriptionFollower {
  readonly #store: FollowedStore
  #table: Table | undefined
  #offset = 0
  #reading: Promise<void> | undefined

  constructor(store: FollowedStore) {
    this.#store = store
  }

  /** Undefined before all were read once. */
  get routes(): RoutingTable<StoredSubscriber> | undefined {
    return this.#table?.routes
  }

  get counts(): { readonly sessions: number; readonly groups: number } {
    return this.#table?.counts ?? NONE
  }

  /** Up to where the table is. It changes with every change of the table. */
  get offset(): number {
    return this.#offset
  }

  /** Undefined if the table is as far already. @throws STORE_UNAVAILABLE */
  catchUp(end: number): Promise<void> | undefined {
    return this.#table !== undefined && this.#offset >= end ? undefined : this.#readTo(end)
  }

  /** What this process changed is known without being read, where nobody else changed something before it. */
  async changed(change: SubscriptionChange, offset: number): Promise<void> {
    if (this.#table !== undefined && this.#reading === undefined && offset === this.#offset + 1) {
      this.#table.change(change)
      this.#offset = offset
    } else await this.catchUp(offset)
  }

  /** One that is under way may have begun before `end` was; one that begins now has not. */
  async #readTo(end: number): Promise<void> {
    await this.#reading
    if (this.#table === undefined || this.#offset < end) await this.#readOn()
  }

  #readOn(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const table = this.#table
    const end = table && (await this.#follow(table, this.#offset))
    if (end !== undefined) {
      this.#offset = end
      return
    }
    for (;;) {
      const whole = await this.#readAll()
      if (whole === undefined) continue
      this.#table = whole.table
      this.#offset = whole.end
      return
    }
  }

  /** Changes the table as the log says, after an offset; gives its end, or undefined if the log was cut. */
  async #follow(table: Table, after: number): Promise<number | undefined> {
    for (let offset = after; ; ) {
      const slice = await this.#store.readSubscriptions(offset, CHANGES)
      if (slice === undefined) return undefined
      for (const change of slice.changes) table.change(change)
      offset = slice.readTo
      if (offset >= slice.end) return offset
    }
  }

  /**
   * Into a table of its own: until it is whole, the one before is better than a part. Follows the log meanwhile, which may
   * not be long enough for all that happens until the end.
   */
  async #readAll(): Promise<{ readonly table: Table; readonly end: number } | undefined> {
    const table = new Table()
    let end: number | undefined = await this.#store.subscriptionsEnd()
    let sessions = 0
    for await (const session of this.#store.subscriptions()) {
      table.change(asChange(session))
      if (++sessions % SESSIONS === 0) end = await this.#follow(table, end)
      if (end === undefined) return undefined
    }
    end = await this.#follow(table, end)
    return end === undefined ? undefined : { table, end }
  }
}

/** What is read of a session is all that it has. */
function asChange({ name, filters }: SessionSubscriptions): Pick<SubscriptionChange, 'name' | 'replaces' | 'filters'> {
  return { name, replaces: true, filters }
}
