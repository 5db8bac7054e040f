/**
 * Shared subscriptions of users (MQTT 5 section 4.8.2) on this node. A group has a log in the store, which its members
 * share on all nodes, and its own session, which subscribes to the filter and records the members.
 */
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Limits } from '../../common/limits.ts'
import { Retries } from './live-names.ts'
import { groupLog, groupOfLog, type Store, type UpstreamEntry, type Watcher } from '../../store/contract.ts'
import {
  GROUP_SESSIONS,
  type GeneralGroups,
  type GeneralMessage,
  type GeneralReceiver,
  type GeneralRouter,
  type GeneralSubscription,
} from './general.ts'
import { GroupMembers, type SessionOfMember } from './group-members.ts'
import { toGroupSubject } from './group-message.ts'
import type { SharedReceiver } from './shared-message.ts'
import { type GroupMember, UpstreamGroup } from './upstream-group.ts'

/** All members share it. */
const READER = 'g'
/** QoS 0 that no member here can take waits so long for one elsewhere, ms. */
const TOLD_MS = 5_000
/** A membership is renewed when so much of its time is over. */
const RENEWED = 3

export interface UserGroupMember {
  readonly session: SessionOfMember
  readonly subscription: GeneralSubscription
  readonly receiver: SharedReceiver<GeneralSubscription>
  /** How long it belongs to the group without being renewed, ms. */
  readonly lastsMs: () => number
}

export interface UserMembership {
  /** The member has room. */
  run(): void
  /** Its connection is over: what it did not acknowledge goes to another member. It still belongs to the group. */
  leave(): Promise<void>
  /** Its subscription is over; with the last one the group ends, and what waits for it. */
  end(): Promise<void>
}

interface UserGroupsOptions {
  readonly store: Store
  readonly logger: Logger
  readonly limits: Pick<Limits, 'readBytes' | 'retryMs' | 'sessionRecheckMs'>
  readonly now: () => number
  readonly randomId: () => string
  readonly router: () => Pick<GeneralRouter, 'connect' | 'disconnect' | 'subscribe'>
}

/** A group with members here, which the router sees as one more session. */
class LiveGroup implements GeneralReceiver {
  readonly name: string
  readonly id: string
  readonly log: string
  readonly filter: string
  readonly group: UpstreamGroup<GeneralSubscription>
  readonly isKept = true
  readonly isGroup = true
  epoch = 0
  /** Once the store tells this node of its log, and the router knows it. */
  ready: Promise<() => void> | undefined

  constructor(id: string, filter: string, group: UpstreamGroup<GeneralSubscription>) {
    this.id = id
    this.name = nameOf(id)
    this.log = groupLog(id)
    this.filter = filter
    this.group = group
  }

  /** QoS 0, to one member. */
  arrived(message: GeneralMessage): void {
    this.group.told(asEntry(this.id, { ...message, qos: 0 }))
  }
}

export class UserGroups implements Watcher, GeneralGroups {
  readonly #options: UserGroupsOptions
  readonly #groups = new Map<string, LiveGroup>()
  readonly #memberships = new Set<Membership>()
  readonly #members: GroupMembers
  readonly #retries: Retries
  #timer: NodeJS.Timeout | undefined
  #sweeping = false
  #stopWatching: () => void = () => undefined

  constructor(options: UserGroupsOptions) {
    this.#options = options
    this.#members = new GroupMembers(options.store)
    this.#retries = new Retries(options.limits.retryMs)
  }

  start(): void {
    this.#stopWatching = this.#options.store.watch(this)
    this.#timer = setInterval(() => this.resync(), this.#options.limits.sessionRecheckMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#retries.stop()
    this.#stopWatching()
  }

  // For the router

  async append(names: readonly string[], message: GeneralMessage): Promise<void> {
    const { store, now } = this.#options
    // Nobody waits for it: now, or soon.
    const expiresAt = message.qos === 0 ? Math.min(message.expiresAt, now() + TOLD_MS) : message.expiresAt
    const subject = toGroupSubject(message)
    const { uid } = message
    const known = uid === undefined ? {} : { uid }
    const appends = names.map((name) =>
      store.appendGroup({ group: idOf(name), subject, message: { ...message, expiresAt }, ...known }),
    )
    await Promise.all(appends)
  }

  forget(names: readonly string[], uid: string): void {
    // The store forgets it by itself, later.
    this.#options.store.forgetGroupUid(uid, names.map(idOf)).catch(() => undefined)
  }

  isHere(name: string): boolean {
    return (this.#groups.get(idOf(name))?.group.size ?? 0) > 0
  }

  // For sessions

  /** @throws STORE_UNAVAILABLE */
  async join(member: UserGroupMember): Promise<UserMembership> {
    const { store, randomId } = this.#options
    const live = await this.#opened(member.subscription)
    const share: GroupMember<GeneralSubscription> = {
      id: randomId(),
      drain: member.receiver,
      subscription: member.subscription,
    }
    live.group.add(share)
    const membership = new Membership(this, live, member, share)
    this.#memberships.add(membership)
    try {
      await this.renew(membership)
    } catch (error) {
      await membership.leave().catch(() => undefined)
      throw error
    }
    live.group.wake(store.upstreamPart(live.id))
    return membership
  }

  /** Its members are known for longer, and its reader, from which on everything is kept for it. */
  async renew(membership: Membership): Promise<void> {
    const { store, now, router } = this.#options
    const { live, member } = membership
    const until = now() + member.lastsMs()
    await this.#members.join(membersOf(live.id), member.session, until, now(), async (epoch, isFirst) => {
      // The reader first: who publishes may know of the subscription at once.
      await store.openReader({ app: live.log, reader: READER, expiresAt: until })
      if (!isFirst) return
      live.epoch = epoch
      await router().subscribe(live, [subscriptionOf(live.filter)])
    })
    membership.renewedAt = now()
  }

  async left(membership: Membership): Promise<void> {
    const { live, share } = membership
    this.#memberships.delete(membership)
    const leaving = live.group.remove(share)
    if (live.group.size === 0 && this.#groups.get(live.id) === live) {
      this.#groups.delete(live.id)
      this.#options.router().disconnect(live)
      live.ready?.then(
        (stop) => stop(),
        () => undefined,
      )
    }
    await leaving
  }

  /** As `GroupMembers.leave`. The last member takes along what waits. */
  async leave(subscription: GeneralSubscription, session: Parameters<GroupMembers['leave']>[1]): Promise<void> {
    const { store, now } = this.#options
    const id = groupIdOf(subscription)
    await this.#members.leave(membersOf(id), session, now(), () => store.closeReader(groupLog(id), READER))
  }

  /** Its last member may leave while another one waits for it. */
  async #opened(subscription: GeneralSubscription): Promise<LiveGroup> {
    for (;;) {
      const live = this.#liveOf(subscription)
      await live.ready
      if (this.#groups.get(live.id) === live) return live
    }
  }

  #liveOf(subscription: GeneralSubscription): LiveGroup {
    const { filter } = subscription
    const id = groupIdOf(subscription)
    const known = this.#groups.get(id)
    if (known !== undefined) return known
    const { store, logger, limits, now } = this.#options
    const context = { store, logger, limits, now, sessions: this.#retries }
    const made = new LiveGroup(id, filter, new UpstreamGroup(context, groupLog(id), READER, () => true))
    this.#groups.set(id, made)
    made.ready = this.#open(made)
    // Who comes next tries again.
    made.ready.catch(() => {
      if (this.#groups.get(id) === made) this.#groups.delete(id)
    })
    return made
  }

  async #open(live: LiveGroup): Promise<() => void> {
    const stop = await this.#options.store.listenUpstream(live.log)
    await this.#options.router().connect(live, [subscriptionOf(live.filter)])
    return stop
  }

  // Wakes

  upstreamAppended(log: string, part: number): void {
    const group = groupOfLog(log)
    const live = group === undefined ? undefined : this.#groups.get(group)
    live?.group.wake(part)
  }

  /** Claims last, memberships do, and what was missed is looked for. One after the other, so that it is never a burst. */
  resync(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    this.#lookAtAll()
      .catch((error: unknown) => {
        this.#options.logger.warn({ err: error }, 'could not check shared subscriptions, trying again')
        this.#retries.later(() => this.resync())
      })
      .finally(() => {
        this.#sweeping = false
      })
  }

  async #lookAtAll(): Promise<void> {
    const { store, now } = this.#options
    for (const membership of [...this.#memberships])
      if (membership.renewedAt + membership.member.lastsMs() / RENEWED <= now()) await this.renew(membership)
    for (const { group, id } of [...this.#groups.values()]) await group.sweep([store.upstreamPart(id)])
  }

  privateAppended(): void {}
  broadcastAppended(): void {}
  sessionEnded(): void {}
  cursorMoved(): void {}
  cursorsLost(): void {}
}

class Membership implements UserMembership {
  readonly live: LiveGroup
  readonly member: UserGroupMember
  readonly share: GroupMember<GeneralSubscription>
  readonly #groups: UserGroups
  renewedAt = 0
  #left: Promise<void> | undefined

  constructor(groups: UserGroups, live: LiveGroup, member: UserGroupMember, share: GroupMember<GeneralSubscription>) {
    this.#groups = groups
    this.live = live
    this.member = member
    this.share = share
  }

  run(): void {
    this.live.group.run()
  }

  leave(): Promise<void> {
    this.#left ??= this.#groups.left(this)
    return this.#left
  }

  async end(): Promise<void> {
    // What it has claimed falls back to others in time, where that fails.
    await this.leave().catch(() => undefined)
    await this.#groups.leave(this.member.subscription, this.member.session)
  }
}

/** As a token id has. */
const ID_BYTES = 16

function groupIdOf({ group = '', filter }: GeneralSubscription): string {
  return createHash('sha256')
    .update(JSON.stringify([group, filter]))
    .digest()
    .toString('base64url', 0, ID_BYTES)
}

/** As `group-members.ts` names it; of the name of its session, what comes behind `group/`. */
function membersOf(id: string): string {
  return `u/${id}`
}

function nameOf(id: string): string {
  return `${GROUP_SESSIONS}${id}`
}

function idOf(name: string): string {
  return name.slice(GROUP_SESSIONS.length)
}

/** All that matches, as it was published: what it is to a member says the member's own subscription. */
function subscriptionOf(filter: string): GeneralSubscription {
  return { name: filter, filter, qos: 2, noLocal: false, retainAsPublished: true, identifier: 0 }
}

function asEntry(id: string, message: GeneralMessage): UpstreamEntry {
  return { ...message, offset: 0, tokenId: id, subject: toGroupSubject(message) }
}
