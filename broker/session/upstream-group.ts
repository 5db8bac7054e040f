/**
 * A shared subscription, of a provider or of users, on one node. Its members claim from one reader as their window
 * allows, one claim at a time, in turn. What a leaving member has not settled is available to all again.
 */
import type { Logger } from 'pino'
import type { Store, UpstreamEntry } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import type { SharedReceiver } from './shared-message.ts'

/** What a group needs of its node. */
export interface GroupContext {
  readonly store: Pick<Store, 'claimUpstream' | 'settleUpstream' | 'renewClaims' | 'releaseClaims' | 'assignShared'>
  readonly logger: Logger
  readonly limits: { readonly readBytes: number }
  readonly now: () => number
  /** The store did not answer: again, soon. */
  readonly sessions: { later(again: () => void): void }
}

export interface GroupMember<S> {
  /** Id of this connection alone. */
  readonly id: string
  readonly drain: SharedReceiver<S>
  readonly subscription: S
}

interface Holder<S> {
  readonly member: GroupMember<S>
  /** Offsets that were claimed and not settled, by part. */
  readonly claimed: Map<number, Set<number>>
  /** Acknowledged, and not known to be settled: by part, offsets and who is told of it. */
  readonly settled: Map<number, Map<number, (() => void) | undefined>>
  /** Parts of which the answer to a claim was lost: it may have more than it knows. */
  readonly unsure: Set<number>
}

/** Few at a time, so that members share evenly. */
const BATCH = 10
/** A claim is renewed before that. */
const CLAIM_MS = 60_000

/** A message that is stored nowhere. */
const NOT_IN_THE_LOG = { settle: () => undefined, assign: async (name: string) => name }

/** What decides whether a message of the log is for a member. */
type Matches<S> = (subscription: S, entry: UpstreamEntry) => boolean

export class UpstreamGroup<S extends { readonly qos: QoS }> {
  readonly #node: GroupContext
  readonly #app: string
  readonly #reader: string
  readonly #matches: Matches<S>
  #holders: Holder<S>[] = []
  /** Parts in which there may be something to claim. */
  readonly #behind = new Set<number>()
  #claiming = false
  #settling = false
  /** Acknowledged since that began. */
  #isMore = false
  #inTurn: Promise<void> = Promise.resolve()

  /** `app`: the name of the log. */
  constructor(node: GroupContext, app: string, reader: string, matches: Matches<S>) {
    this.#matches = matches
    this.#node = node
    this.#app = app
    this.#reader = reader
  }

  get size(): number {
    return this.#holders.length
  }

  add(member: GroupMember<S>): void {
    this.#holders.push({ member, claimed: new Map(), settled: new Map(), unsure: new Set() })
  }

  /** What it acknowledged is settled, the rest is free again. */
  async remove(member: GroupMember<S>): Promise<void> {
    const holder = this.#holders.find((each) => each.member === member)
    if (holder === undefined) return
    this.#holders = this.#holders.filter((each) => each !== holder)
    await this.#settleAll()
    await this.#free(holder, this.#node.now() + CLAIM_MS)
  }

  /** Where the store does not answer, again, until its claims are over anyway. Rejects all the same. */
  async #free(holder: Holder<S>, until: number): Promise<void> {
    const { member, claimed, unsure } = holder
    const parts = new Set([...claimed.keys(), ...unsure])
    try {
      await this.#settle(holder)
      for (const part of parts)
        if (unsure.has(part) || (claimed.get(part)?.size ?? 0) > 0)
          await this.#node.store.releaseClaims({ ...this.#of(part), member: member.id })
    } catch (error) {
      if (this.#node.now() < until)
        this.#node.sessions.later(() => {
          this.#free(holder, until).catch(() => undefined)
        })
      throw error
    }
    for (const part of parts) this.wake(part)
  }

  /** The part may have grown, or claims in it have fallen back. */
  wake(part: number): void {
    this.#behind.add(part)
    this.run()
  }

  /** With QoS 0: to one of them. */
  told(entry: UpstreamEntry): void {
    const [first] = this.#holders
    if (first === undefined || !this.#matches(first.member.subscription, entry)) return
    const holder = this.#holders.find(({ member }) => member.drain.room > 0) ?? first
    this.#takeTurn(holder)
    const { subscription, drain } = holder.member
    drain.give({ entry, part: 0, subscription: { ...subscription, qos: 0 }, ...NOT_IN_THE_LOG })
  }

  run(): void {
    if (this.#claiming || this.#behind.size === 0) return
    this.#claiming = true
    this.#claimAll().then(
      () => {
        this.#claiming = false
      },
      (error: unknown) => {
        this.#claiming = false
        this.#node.logger.warn({ err: error }, 'could not claim from a shared subscription, trying again')
        this.#node.sessions.later(() => this.run())
      },
    )
  }

  async #claimAll(): Promise<void> {
    for (const part of [...this.#behind]) {
      for (let more = true; more; ) {
        const at = this.#holders.findIndex(({ member }) => member.drain.room > 0)
        if (at < 0) return
        const holder = this.#holders[at]
        more = holder !== undefined && (await this.#claim(part, holder))
      }
    }
  }

  /** Members are served in turn. */
  #takeTurn(holder: Holder<S>): void {
    if (this.#holders.includes(holder)) this.#holders = [...this.#holders.filter((each) => each !== holder), holder]
  }

  /** False if there is nothing more to claim in the part. */
  async #claim(part: number, holder: Holder<S>): Promise<boolean> {
    const { member, claimed, settled, unsure } = holder
    const { store, now, limits } = this.#node
    const limit = { entries: Math.min(BATCH, member.drain.room), bytes: limits.readBytes }
    this.#behind.delete(part)
    const claim = { ...this.#of(part), member: member.id, until: now() + CLAIM_MS, limit }
    const had = unsure.has(part) ? [...(claimed.get(part) ?? []), ...(settled.get(part)?.keys() ?? [])] : undefined
    const slice = await store.claimUpstream(had === undefined ? claim : { ...claim, had }).catch((error: unknown) => {
      this.#behind.add(part)
      unsure.add(part)
      throw error
    })
    unsure.delete(part)
    const offsets = claimed.get(part) ?? new Set()
    claimed.set(part, offsets)
    if (slice.entries.length > 0) this.#takeTurn(holder)
    for (const entry of slice.entries) {
      offsets.add(entry.offset)
      const settle = (written?: () => void) => this.#acknowledged(holder, part, entry.offset, written)
      const assign = (name: string) => this.#assign(holder, part, entry.offset, name)
      if (this.#matches(member.subscription, entry))
        member.drain.give({ entry, part, subscription: member.subscription, settle, assign })
      else settle()
    }
    // It left while this was claimed.
    if (!this.#holders.includes(holder) && offsets.size > 0) {
      await store.releaseClaims({ ...this.#of(part), member: member.id })
      this.#behind.add(part)
      return this.#holders.length > 0
    }
    const isMore = slice.readTo < slice.end
    if (isMore) this.#behind.add(part)
    return isMore && slice.entries.length > 0
  }

  #acknowledged(holder: Holder<S>, part: number, offset: number, written?: () => void): void {
    if (holder.claimed.get(part)?.delete(offset) !== true) return
    const settled = holder.settled.get(part) ?? new Map<number, (() => void) | undefined>()
    settled.set(offset, written)
    holder.settled.set(part, settled)
    this.#isMore = true
    if (this.#settling) return
    this.#settling = true
    setImmediate(() => void this.#settleWhile())
  }

  async #settleWhile(): Promise<void> {
    while (this.#isMore) {
      this.#isMore = false
      await this.#settleAll()
    }
    this.#settling = false
  }

  /** One at a time: another one would take what is being settled for what fell to others. */
  #settleAll(): Promise<void> {
    this.#inTurn = this.#inTurn.then(() => this.#settleEach())
    return this.#inTurn
  }

  /** Never rejects. */
  async #settleEach(): Promise<void> {
    for (const holder of this.#holders) {
      try {
        await this.#settle(holder)
      } catch (error) {
        this.#node.logger.warn({ err: error }, 'could not settle messages of a shared subscription, trying again')
        this.#node.sessions.later(() => void this.#settleAll())
      }
    }
  }

  /** Until the store has answered, they belong to this member: a claim that it makes meanwhile says so. */
  async #settle({ member, settled }: Holder<S>): Promise<void> {
    for (const [part, acknowledged] of settled) {
      const offsets = [...acknowledged.keys()]
      const done = await this.#node.store.settleUpstream({ ...this.#of(part), member: member.id }, offsets)
      const written = done.map((offset) => acknowledged.get(offset))
      // What is not settled fell to another member meanwhile, who settles it.
      for (const offset of offsets) acknowledged.delete(offset)
      if (acknowledged.size === 0 && settled.get(part) === acknowledged) settled.delete(part)
      for (const each of written) each?.()
    }
  }

  async #assign(holder: Holder<S>, part: number, offset: number, name: string): Promise<string | undefined> {
    const claim = { ...this.#of(part), member: holder.member.id }
    const assigned = await this.#node.store.assignShared(claim, offset, name)
    // Another member has it, or it is there to be claimed.
    if (assigned === undefined && holder.claimed.get(part)?.delete(offset) === true) this.wake(part)
    return assigned
  }

  /** Claims last, and what others left is looked for. */
  async sweep(parts: readonly number[]): Promise<void> {
    const until = this.#node.now() + CLAIM_MS
    for (const { member, claimed } of this.#holders)
      for (const [part, offsets] of claimed)
        if (offsets.size > 0) await this.#node.store.renewClaims({ ...this.#of(part), member: member.id, until })
    for (const part of parts) this.#behind.add(part)
    this.run()
  }

  #of(part: number): { app: string; reader: string; part: number } {
    return { app: this.#app, reader: this.#reader, part }
  }
}
