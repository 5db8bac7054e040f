/**
 * What devices publish. A part is a partition, whose hash tag it has: so the check of the token, the append and the wakes
 * are one step beside the record of the token id.
 *
 * Of 256 parts few are busy at one time, so that each may hold a sixteenth of what the log may, and a token id a tenth of
 * that.
 */
import type {
  Claim,
  LogSlice,
  Part,
  ReadLimit,
  StoreLimits,
  StoreObserver,
  TokenId,
  UpstreamAppend,
  UpstreamAppended,
  UpstreamEntry,
} from '../contract.ts'
import { entryOf } from '../message.ts'
import { asTime } from './entry.ts'
import { type Events, tokenIdOf } from './events.ts'
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import type { Listeners } from './listeners.ts'
import {
  asBytes,
  asNumber,
  asSlice,
  CLAIM,
  READ_UPSTREAM,
  RELEASE_CLAIMS,
  RELEASE_UPSTREAM,
  RENEW_CLAIMS,
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

export type ClaimOwner = Pick<Claim, 'app' | 'reader' | 'part' | 'member'>

const BUSY_PARTS = 16
const SHARES = 10
/** A share is never so small that it holds only a few of the larger messages. */
const SHARE_BYTES = 1024 * 1024
/** Of one token id in one answer; one message always fits. */
const RETAINED_BYTES = 128 * 1024
const RETAINERS_AT_ONCE = 32

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
      this.#tellHere(app, partitionOf(id), offset, { ...entryOf(message, offset), tokenId, subject })
    }
    return { offset, duplicate: isDuplicate, read: result[2] === true }
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

  async claim({ app, reader, part, member, until, limit }: Claim): Promise<LogSlice<UpstreamEntry>> {
    const { entries, bytes } = limit
    const told = [app, reader, member, asTime(until), entries, bytes]
    return asSlice(await this.#options.lanes.run(CLAIM, this.#base(part), ...told), decodeUpstream)
  }

  async settle({ app, reader, part, member }: ClaimOwner, offsets: readonly number[]): Promise<void> {
    if (offsets.length === 0) return
    await this.#options.lanes.run(SETTLE, this.#base(part), app, reader, member, ...offsets)
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

interface RetainedPage {
  readonly entries: readonly UpstreamEntry[]
  readonly more: boolean
}
