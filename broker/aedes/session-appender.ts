/**
 * Appends messages to the logs of kept sessions. Without a lease, the table of subscriptions may be behind changes of other
 * nodes, so after storing a message, this checks the end of the change log and appends the message to sessions that were
 * missed.
 */
import type { Logger } from 'pino'
import type { SessionDelivery, Store } from '../../store/contract.ts'
import { GROUP_SESSIONS, type GeneralGroups, type GeneralMessage } from '../session/general.ts'
import type { DeliveryRules, Publication } from './publication.ts'
import type { SubscriptionFollower } from './subscription-follower.ts'
import type { TableLease } from './table-lease.ts'

interface AppenderOptions {
  readonly store: Pick<Store, 'appendSessions' | 'forgetUid' | 'subscriptionsEnd' | 'nodes'>
  readonly follower: SubscriptionFollower
  /** Absent where no other process shares the store. */
  readonly lease: Pick<TableLease, 'isCurrent'> | undefined
  readonly groups: GeneralGroups
  readonly rules: DeliveryRules
  readonly logger: Logger
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** What one publisher publishes, while some of it is being stored. */
interface Line {
  last: Promise<void> | undefined
  /** Number of messages not yet matched against the table. */
  waiting: number
  matchedAt: number
}

/** Full logs are told of no more often, ms. */
const FULL_TOLD_MS = 10_000

export class SessionAppender {
  readonly #options: AppenderOptions
  readonly #lines = new Map<string, Line>()
  #looked: Promise<number> | undefined
  #fullAt = -Infinity
  #full = 0

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  /**
   * Undefined if there is nothing to wait for. Where it retains nothing, it is also looked up whether the table was whole: a
   * subscription that is made later gets what is retained, so with RETAIN this is for `finish`, after it is retained.
   * @throws STORE_UNAVAILABLE
   */
  begin(publication: Publication): Promise<void> | undefined {
    const { store, follower } = this.#options
    const { qos, from, retain } = publication.message
    const isAlone = store.nodes === undefined
    // Nothing of it is for a log, or for another node.
    if (qos === 0 && isAlone && !this.#keepsQos0) return undefined
    const line = this.#lines.get(from)
    const isCurrent = this.#isCurrent()
    if (isCurrent && this.#isFirst(line)) {
      const to = this.#match(publication)
      if (line !== undefined) line.matchedAt = follower.offset
      return to.length === 0 ? undefined : this.#inLine(from, publication, this.#append(publication, to))
    }
    const looked = isCurrent || retain ? undefined : this.#lookUp()
    // Awaited later, perhaps after another has failed.
    looked?.catch(() => undefined)
    return this.#inLine(from, publication, this.#begin(publication, looked))
  }

  /** It is retained where it asks for that. @throws STORE_UNAVAILABLE */
  finish(publication: Publication): Promise<void> | undefined {
    const { store, follower } = this.#options
    const { qos, retain } = publication.message
    const isAlone = store.nodes === undefined
    if (!retain || (qos === 0 && isAlone && !this.#keepsQos0)) return undefined
    if (this.#isCurrent()) return this.#more(publication)
    return this.#lookUp().then(async (end) => {
      await follower.catchUp(end)
      await this.#more(publication)
    })
  }

  /** Whether the table has every subscription that was acknowledged before. */
  #isCurrent(): boolean {
    const { follower, lease } = this.#options
    return follower.routes !== undefined && (lease === undefined || lease.isCurrent())
  }

  get #keepsQos0(): boolean {
    const { queueQos0, upgradeOutgoingQos } = this.#options.rules
    return queueQos0 === true || upgradeOutgoingQos === true
  }

  /**
   * One for all that is published in a turn: what the store is asked for travels when the turn is over, after everything that
   * led to these messages.
   */
  #lookUp(): Promise<number> {
    if (this.#looked === undefined) {
      this.#looked = this.#options.store.subscriptionsEnd()
      setImmediate(() => {
        this.#looked = undefined
      })
    }
    return this.#looked
  }

  #inLine(from: string, publication: Publication, storing: Promise<void>): Promise<void> {
    const line = this.#lines.get(from) ?? { last: undefined, waiting: 0, matchedAt: publication.matchedAt }
    this.#lines.set(from, line)
    line.last = storing
    const settled = (): void => {
      if (line.last === storing) this.#lines.delete(from)
    }
    storing.then(settled, settled)
    return storing
  }

  /** Without a turn to wait for, it is with the store when this returns. */
  async #begin(publication: Publication, looked: Promise<number> | undefined): Promise<void> {
    const { follower } = this.#options
    const turn = this.#turn(publication.message.from)
    if (turn !== undefined) await turn
    const line = this.#lines.get(publication.message.from)
    if (line !== undefined) line.matchedAt = follower.offset
    await this.#append(publication, this.#match(publication))
    if (looked === undefined) return
    await follower.catchUp(await looked)
    await this.#more(publication)
  }

  /**
   * Sessions get the messages of one publisher in its order. One that is stored by a newer table than those before waits for
   * them: they may still come to a session that only the newer one knows.
   */
  #turn(from: string): Promise<void> | undefined {
    const { follower } = this.#options
    const line = this.#lines.get(from)
    if (follower.routes === undefined) return this.#await(line, line?.last)
    return this.#isFirst(line) ? undefined : this.#await(line, line?.last)
  }

  /** Nothing of this publisher must be stored before the next: what is with the store is there first. */
  #isFirst(line: Line | undefined): boolean {
    if (line?.last === undefined) return true
    return line.waiting === 0 && line.matchedAt === this.#options.follower.offset
  }

  async #await(line: Line | undefined, before: Promise<void> | undefined): Promise<void> {
    if (line !== undefined) line.waiting += 1
    try {
      if (this.#options.follower.routes === undefined) await this.#options.follower.catchUp(0)
      await before?.catch(() => undefined)
    } finally {
      if (line !== undefined) line.waiting -= 1
    }
  }

  #match(publication: Publication): SessionDelivery[] {
    const { store, follower } = this.#options
    const { routes, offset } = follower
    return routes === undefined ? [] : publication.match(routes, offset, store.nodes?.name, this.#options.rules)
  }

  /** If the table has changed since it was matched. */
  #more(publication: Publication): Promise<void> | undefined {
    if (publication.matchedAt === this.#options.follower.offset) return undefined
    const to = this.#match(publication)
    return to.length === 0 ? undefined : this.#append(publication, to)
  }

  async #append({ message }: Publication, to: readonly SessionDelivery[]): Promise<void> {
    if (to.length === 0) return
    if (!to.some(({ name }) => isGroup(name))) return await this.#appendSessions(message, to)
    const groups = to.filter(({ name }) => isGroup(name)).map(({ name }) => name)
    const sessions = to.filter(({ name }) => !isGroup(name))
    await Promise.all([this.#options.groups.append(groups, message), this.#appendSessions(message, sessions)])
  }

  async #appendSessions(message: GeneralMessage, to: readonly SessionDelivery[]): Promise<void> {
    if (to.length === 0) return
    const { topic, uid } = message
    const append = uid === undefined ? { topic, message, to } : { topic, message, to, uid }
    const results = await this.#options.store.appendSessions(append)
    let full = 0
    for (const result of results) if (result === 'full') full += 1
    if (full > 0) this.#tellFull(full)
  }

  /** Nobody publishes it again. Where this misses a session, as one that has unsubscribed, the store forgets it in a day. */
  forget(uid: string, { topic, from }: Pick<GeneralMessage, 'topic' | 'from'>): void {
    const { store, follower, groups } = this.#options
    const names: string[] = []
    const shared: string[] = []
    for (const { subscriber, granted } of follower.routes?.match(topic, from).matches ?? []) {
      const { name, node, isGroup } = subscriber
      if (node === undefined && granted > 0) (isGroup ? shared : names).push(name)
    }
    if (names.length > 0) store.forgetUid(uid, names).catch(() => undefined)
    if (shared.length > 0) groups.forget(shared, uid)
  }

  /** Counted by the store. */
  #tellFull(count: number): void {
    const { logger, monotonic } = this.#options
    this.#full += count
    if (monotonic() - this.#fullAt < FULL_TOLD_MS) return
    logger.warn(
      { messages: this.#full },
      'the logs of some sessions are full; dropping new messages for them until their clients acknowledge',
    )
    this.#fullAt = monotonic()
    this.#full = 0
  }
}

function isGroup(name: string): boolean {
  return name.startsWith(GROUP_SESSIONS)
}
