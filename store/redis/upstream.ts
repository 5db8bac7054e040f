/**
 * What devices publish. A part is a partition, whose hash tag it has: so the check of the token, the append and the wakes
 * are one step beside the record of the token id.
 *
 * Of 256 parts few are busy at one time, so that each may hold a sixteenth of what the log may, and a token id a tenth of
 * that.
 */
import {
  appOfEventLog,
  type Claim,
  type ClaimOwner,
  type EventAppend,
  eventLog,
  type GroupAppend,
  type GroupAppended,
  groupLog,
  type LogSlice,
  type Message,
  type Part,
  type ReaderMove,
  type ReadLimit,
  type StoreLimits,
  type StoreObserver,
  type TokenId,
  type UnreadSlice,
  type UpstreamAppend,
  type UpstreamAppended,
  type UpstreamEntry,
} from '../contract.ts'
import { upstreamEntryOf } from '../message.ts'
import { asTime } from './entry.ts'
import { type Events, tokenIdOf } from './events.ts'
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import type { Listeners } from './listeners.ts'
import {
  asBytes,
  EVENTS,
  ASSIGN,
  asText,
  FORGET_ASSIGNED,
  FORGET_UID,
  GROUP,
  asNumber,
  asSlice,
  CLAIM,
  READ_UNREAD,
  READ_UPSTREAM,
  RELEASE_CLAIMS,
  RELEASE_UPSTREAM,
  RENEW_CLAIMS,
  RESTORE_RETAINED,
  RETAINERS,
  SETTLE,
  UPSTREAM,
  UPSTREAM_RETAINED,
} from './steps.ts'
import { type Location, partitionOf } from './token.ts'
import { decodeUpstream, encodeUpstream } from './upstream-entry.ts'

interface UpstreamOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly locate: (tokenId: TokenId) => Location
  readonly events: Events
  readonly listeners: Listeners
  readonly observer: StoreObserver | undefined
}

const BUSY_PARTS = 16
const SHARES = 10
/** A share is never so small that it holds only a few of the larger messages. */
const SHARE_BYTES = 1024 * 1024
/** Of one token id in one answer; one message always fits. */
const RETAINED_BYTES = 128 * 1024
const RETAINERS_AT_ONCE = 32

/** Entries of one step. */
const ENTRIES = 64

/** Entries that go into one part, in one step. */
interface Portion {
  readonly base: string
  readonly log: string
  /** Where each is in what was given. */
  readonly positions: number[]
  readonly entries: Buffer[]
}

/** Of a part of an event log: events, bytes. */
export function eventPartLimits({ eventMessages, eventBytes }: StoreLimits): readonly number[] {
  return [Math.ceil(eventMessages / BUSY_PARTS), Math.ceil(eventBytes / BUSY_PARTS)]
}

/** Of a part: messages, bytes, and those of one token id. */
export function partLimits({ upstreamMessages, upstreamBytes }: StoreLimits): readonly number[] {
  const messages = Math.ceil(upstreamMessages / BUSY_PARTS)
  const bytes = Math.ceil(upstreamBytes / BUSY_PARTS)
  const shareBytes = Math.max(Math.floor(bytes / SHARES), Math.min(SHARE_BYTES, bytes))
  return [messages, bytes, Math.max(1, Math.floor(messages / SHARES)), shareBytes]
}

export class Upstream {
  readonly #options: UpstreamOptions

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  async append(append: UpstreamAppend): Promise<UpstreamAppended> {
    const { lanes, locate, observer } = this.#options
    const { app, tokenId, generation, epoch = 0, subject, message, as, received = 0 } = append
    const { base, id } = locate(tokenId)
    const result = await lanes.run(
      UPSTREAM,
      base,
      id,
      app,
      generation,
      epoch,
      subject,
      asTime(message.expiresAt),
      encodeUpstream(id, subject, message),
      as === 'stored',
      received,
    )
    const offset = asNumber(result[0])
    const isDuplicate = result[1] === true
    const dropped = asNumber(result[3])
    const expired = asNumber(result[4])
    if (dropped > 0) observer?.dropped('upstream', dropped)
    if (expired > 0) observer?.expired('upstream', expired)
    if (offset > 0 || (as === 'told' && !isDuplicate)) {
      this.#tellHere(app, partitionOf(id), offset, upstreamEntryOf(message, offset, tokenId, subject))
    }
    return { offset, duplicate: isDuplicate, read: result[2] === true }
  }

  async appendEvents(events: readonly EventAppend[]): Promise<readonly number[]> {
    const logged = events.map(({ app, ...event }) => ({ ...event, log: eventLog(app) }))
    const offsets = await this.#appendAll(logged, false)
    for (const [position, { log, tokenId, subject, message }] of logged.entries()) {
      const offset = offsets[position] ?? 0
      const entry = upstreamEntryOf(message, offset, tokenId, subject)
      if (offset > 0) this.#tellHere(log, partitionOf(this.#options.locate(tokenId).id), offset, entry)
    }
    return offsets
  }

  async appendGroup({ group, subject, message, uid }: GroupAppend): Promise<GroupAppended> {
    const { lanes, locate, observer } = this.#options
    const { base, id } = locate(group)
    const log = groupLog(group)
    const result = await lanes.run(GROUP, base, log, encodeUpstream(id, subject, message), uid ?? false)
    const offset = asNumber(result[0])
    const expired = asNumber(result[1])
    if (expired > 0) observer?.expired('session', expired)
    if (offset === 0) return 'gone'
    if (offset === -2) return 'duplicate'
    if (offset < 0) {
      observer?.dropped('session', 1)
      return 'full'
    }
    this.#tellHere(log, partitionOf(id), offset, upstreamEntryOf(message, offset, group, subject))
    return 'stored'
  }

  async forgetGroupUid(uid: string, groups: readonly TokenId[]): Promise<void> {
    const { lanes, locate } = this.#options
    const bases = new Set(groups.map((group) => locate(group).base))
    await Promise.all(Array.from(bases, (base) => lanes.run(FORGET_UID, base, uid)))
  }

  async assignShared(claim: ClaimOwner, offset: number, name: string): Promise<string | undefined> {
    const { app, reader, part, member } = claim
    const [assigned] = await this.#options.lanes.run(ASSIGN, this.#base(part), app, reader, member, offset, name)
    return assigned === undefined ? undefined : asText(assigned)
  }

  async forgetAssigned(group: TokenId, offset: number): Promise<void> {
    const { lanes, locate } = this.#options
    await lanes.run(FORGET_ASSIGNED, locate(group).base, groupLog(group), offset)
  }

  async restore(log: string, entries: readonly UpstreamEntry[]): Promise<readonly ReaderMove[]> {
    const logged = entries.map(({ tokenId, subject, ...message }) => ({ log, tokenId, subject, message }))
    const offsets = await this.#appendAll(logged, true)
    return logged.map(({ tokenId }, position) => ({
      part: partitionOf(this.#options.locate(tokenId).id),
      cursor: offsets[position] ?? 0,
    }))
  }

  async restoreRetained(app: string, entries: readonly UpstreamEntry[]): Promise<void> {
    const { lanes, locate } = this.#options
    for (let from = 0; from < entries.length; from += ENTRIES) {
      const some = entries.slice(from, from + ENTRIES).map(({ tokenId, subject, ...message }) => {
        const { base, id } = locate(tokenId)
        const entry = encodeUpstream(id, subject, { ...message, retain: true })
        return lanes.run(RESTORE_RETAINED, base, app, id, subject, asTime(message.expiresAt), entry)
      })
      await Promise.all(some)
    }
  }

  /** Returns the offset of each, 0 where it was not stored. */
  async #appendAll(logged: readonly Logged[], isAgain: boolean): Promise<readonly number[]> {
    const { lanes, observer } = this.#options
    const offsets = new Array<number>(logged.length).fill(0)
    const appendPortion = async ({ base, log, positions, entries }: Portion): Promise<void> => {
      const [dropped, expired, ...given] = await lanes.run(EVENTS, base, log, isAgain, ...entries)
      const destination = appOfEventLog(log) === undefined ? 'upstream' : 'event'
      if (asNumber(dropped) > 0) observer?.dropped(destination, asNumber(dropped))
      if (asNumber(expired) > 0) observer?.expired(destination, asNumber(expired))
      for (const [at, position] of positions.entries()) offsets[position] = asNumber(given[at])
    }
    await Promise.all(this.#portions(logged).map(appendPortion))
    return offsets
  }

  #portions(logged: readonly Logged[]): readonly Portion[] {
    const portions: Portion[] = []
    const open = new Map<string, Portion>()
    for (const [position, { log, tokenId, subject, message }] of logged.entries()) {
      const { base, id } = this.#options.locate(tokenId)
      const part = base + log
      let portion = open.get(part)
      if (portion === undefined || portion.positions.length === ENTRIES) {
        portion = { base, log, positions: [], entries: [] }
        open.set(part, portion)
        portions.push(portion)
      }
      portion.positions.push(position)
      portion.entries.push(encodeUpstream(id, subject, message))
    }
    return portions
  }

  #tellHere(app: string, part: Part, offset: number, entry?: UpstreamEntry): void {
    const { events, listeners } = this.#options
    if (listeners.has(app)) events.upstreamAppended(app, part, offset, entry)
  }

  async release(tokenId: TokenId, epoch: number, packetId: number): Promise<boolean> {
    const { base, id } = this.#options.locate(tokenId)
    const result = await this.#options.lanes.run(RELEASE_UPSTREAM, base, id, epoch, packetId)
    return result[0] === true
  }

  async read(app: string, part: Part, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>> {
    const { entries, bytes } = limit
    const result = await this.#options.lanes.run(READ_UPSTREAM, this.#base(part), app, after, entries, bytes)
    return asSlice(result, decodeUpstream)
  }

  async readUnread(reading: {
    readonly app: string
    readonly reader: string
    readonly part: Part
    readonly after: number
    readonly limit: ReadLimit
  }): Promise<UnreadSlice> {
    const { app, reader, part, after, limit } = reading
    const told = [app, reader, after, limit.entries, limit.bytes]
    const [isKnown, missed, ...result] = await this.#options.lanes.run(READ_UNREAD, this.#base(part), ...told)
    return { slice: asSlice(result, decodeUpstream), isKnown: isKnown === true, missed: asNumber(missed) }
  }

  async claim({ app, reader, part, member, until, limit, had }: Claim): Promise<LogSlice<UpstreamEntry>> {
    const { entries, bytes } = limit
    const told = [app, reader, member, asTime(until), entries, bytes, had !== undefined, ...(had ?? [])]
    return asSlice(await this.#options.lanes.run(CLAIM, this.#base(part), ...told), decodeUpstream)
  }

  async settle({ app, reader, part, member }: ClaimOwner, offsets: readonly number[]): Promise<readonly number[]> {
    if (offsets.length === 0) return []
    return (await this.#options.lanes.run(SETTLE, this.#base(part), app, reader, member, ...offsets)).map(asNumber)
  }

  async renewClaims({ app, reader, part, member, until }: ClaimOwner & Pick<Claim, 'until'>): Promise<void> {
    await this.#options.lanes.run(RENEW_CLAIMS, this.#base(part), app, reader, member, asTime(until))
  }

  async releaseClaims({ app, reader, part, member }: ClaimOwner): Promise<void> {
    const result = await this.#options.lanes.run(RELEASE_CLAIMS, this.#base(part), app, reader, member)
    const last = asNumber(result[0])
    if (last > 0) this.#tellHere(app, part, last)
  }

  async *retained(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry> {
    if (tokenId !== undefined) {
      yield* this.#retainedOf(app, this.#options.locate(tokenId))
      return
    }
    for (let part = 0; part < PARTITIONS; part += 1) {
      const retainers = await this.#options.lanes.run(RETAINERS, this.#base(part), app)
      for (let from = 0; from < retainers.length; from += RETAINERS_AT_ONCE) {
        const some = retainers.slice(from, from + RETAINERS_AT_ONCE).map((id) => tokenIdOf(asBytes(id)))
        const pages = await Promise.all(some.map((each) => this.#page(app, this.#options.locate(each), false)))
        for (const [position, { entries, more }] of pages.entries()) {
          yield* entries
          if (more) yield* this.#retainedOf(app, this.#options.locate(some[position] ?? ''), entries.at(-1)?.subject)
        }
      }
    }
  }

  async *#retainedOf(app: string, location: Location, after?: string): AsyncIterable<UpstreamEntry> {
    for (let last: string | false = after ?? false; ; ) {
      const { entries, more }: RetainedPage = await this.#page(app, location, last)
      yield* entries
      const subject = entries.at(-1)?.subject
      if (!more || subject === undefined) return
      last = subject
    }
  }

  async #page(app: string, { base, id }: Location, after: string | false): Promise<RetainedPage> {
    const [more, ...rest] = await this.#options.lanes.run(UPSTREAM_RETAINED, base, app, id, after, RETAINED_BYTES)
    const { entries } = asSlice([0, 0, ...rest], decodeUpstream)
    return { entries, more: more === true }
  }

  #base(part: Part): string {
    return partitionBase(this.#options.prefix, part)
  }
}

interface Logged {
  readonly log: string
  readonly tokenId: TokenId
  readonly subject: string
  readonly message: Message
}

interface RetainedPage {
  readonly entries: readonly UpstreamEntry[]
  readonly more: boolean
}
