/** The shared subscriptions of one connected provider. */
import { createHash } from 'node:crypto'
import type { ReaderPart, UpstreamEntry } from '../../store/contract.ts'
import { filterMatches } from '../codec/topic-syntax.ts'
import type { GroupMembers } from './group-members.ts'
import type { ProviderNode } from './provider-node.ts'
import type { LiveGroup } from './provider-sessions.ts'
import type { ProviderSubscription } from './provider-subscriptions.ts'
import type { SharedReceiver } from './shared-message.ts'
import { type GroupMember, UpstreamGroup } from './upstream-group.ts'

/** How long the reader of a session that is not kept survives its node, ms. */
export const UNKEPT_MS = 10 * 60 * 1000

interface GroupsContext {
  readonly node: ProviderNode
  readonly provider: { readonly name: string }
  /** Name of the session. */
  readonly name: string
  readonly epoch: number
  readonly drain: SharedReceiver<ProviderSubscription>
  readonly readerExpiresAt: number
}

interface Membership {
  readonly live: LiveGroup
  readonly member: GroupMember<ProviderSubscription>
  readonly app: string
}

export class ProviderGroups {
  readonly #session: GroupsContext
  /** By name of the subscription. */
  readonly #memberships = new Map<string, Membership>()

  constructor(session: GroupsContext) {
    this.#session = session
  }

  /** A member can be given something. */
  run(): void {
    for (const { live } of this.#memberships.values()) live.group.run()
  }

  async join(subscription: ProviderSubscription): Promise<void> {
    const { node, drain } = this.#session
    const { app, name } = subscription
    const reader = this.#readerOf(subscription)
    // Members move its end on; whoever looks at it in between needs no later one.
    const open = () => node.store.openReader({ app, reader, expiresAt: node.now() + UNKEPT_MS })
    const make = (): LiveGroup => ({ reader, open, group: new UpstreamGroup(node, app, reader, isFor) })
    const live = await node.sessions.group(app, reader, make)
    await this.leaveHere(name)
    const member = { id: node.randomId(), drain, subscription }
    live.group.add(member)
    this.#memberships.set(name, { live, member, app })
    for (const { part, cursor, end } of await this.#renew(app, reader)) if (cursor < end) live.group.wake(part)
  }

  async renewAll(): Promise<void> {
    for (const { app, live } of [...this.#memberships.values()]) await this.#renew(app, live.reader)
  }

  async #renew(app: string, reader: string): Promise<readonly ReaderPart[]> {
    const { node, readerExpiresAt } = this.#session
    const expiresAt = await node.sessions.members.join(reader, this.#session, readerExpiresAt, node.now())
    return await node.store.openReader({ app, reader, expiresAt })
  }

  /** What it did not acknowledge goes to others. */
  async leaveHere(name: string): Promise<void> {
    const membership = this.#memberships.get(name)
    if (membership === undefined) return
    this.#memberships.delete(name)
    try {
      await membership.live.group.remove(membership.member)
    } finally {
      this.#session.node.sessions.leaveGroup(membership.app, membership.live)
    }
  }

  async leaveAllHere(): Promise<void> {
    await Promise.all([...this.#memberships.keys()].map((name) => this.leaveHere(name)))
  }

  /** For good. */
  async leave(subscription: ProviderSubscription): Promise<void> {
    const { node, provider } = this.#session
    await this.leaveHere(subscription.name)
    await leaveForGood(node, provider, subscription, this.#session)
  }

  #readerOf(subscription: ProviderSubscription): string {
    return groupReader(this.#session.provider, subscription)
  }
}

type Subscription = Pick<ProviderSubscription, 'app' | 'group' | 'filter'>
type Named = GroupsContext['provider']

/** As `GroupMembers.leave`. With the last member its reader goes. */
export async function leaveForGood(
  { store, sessions, now }: ProviderNode,
  provider: Named,
  subscription: Subscription,
  session: Parameters<GroupMembers['leave']>[1],
): Promise<void> {
  const reader = groupReader(provider, subscription)
  await sessions.members.leave(reader, session, now(), () => store.closeReader(subscription.app, reader))
}

/** Each provider has groups of its own. */
function groupReader({ name }: Named, { group = '', filter }: Subscription): string {
  return `g/${createHash('sha256')
    .update(JSON.stringify([name, group, filter]))
    .digest('base64url')}`
}

function isFor({ app, filter }: ProviderSubscription, { tokenId, subject }: UpstreamEntry): boolean {
  return filterMatches(filter, `${app}/u/${tokenId}/${subject}`.split('/'))
}
