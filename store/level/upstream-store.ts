/** Upstream logs of the embedded engine. */
import type {
  Claim,
  EventAppend,
  GroupAppend,
  GroupAppended,
  LogSlice,
  Message,
  ReaderMove,
  ReaderOpen,
  ReaderPart,
  ReadLimit,
  TokenId,
  UpstreamAppend,
  UnreadSlice,
  UpstreamAppended,
  UpstreamEntry,
} from '../contract.ts'
import type { Told } from '../watching.ts'
import { assignShared, forgetAssigned } from './assigned.ts'
import type { Claims } from './claims.ts'
import type { Database } from './database.ts'
import type { Durable } from './durable.ts'
import type { GroupCommit, Step } from './group-commit.ts'
import type { Listening } from './listening.ts'
import { upstreamLogPrefix } from './keys.ts'
import { readLog } from './read.ts'
import { isAmong } from './runs.ts'
import type { Transaction } from './transaction.ts'
import { appendGroup, appendUpstream, forgetGroupUid, releaseUpstream, restoreUpstream } from './upstream.ts'
import { appendEvents, PART, type UpstreamContext } from './upstream-log.ts'
import { decodeUpstreamEntry } from './upstream-entry.ts'
import {
  closeReader,
  hasEnded,
  missedBy,
  moveReader,
  openReader,
  settleUpstream,
  trimUpstream,
} from './upstream-readers.ts'
import { hasRest } from './upstream-records.ts'
import { restoreRetained, retainedOf } from './upstream-retained.ts'

type Membership = Pick<Claim, 'app' | 'reader' | 'member'>

interface LevelUpstreamOptions {
  readonly database: Database
  readonly durable: Durable
  readonly commits: GroupCommit
  readonly claims: Claims
  readonly limits: UpstreamContext['limits']
  readonly listening: Listening
  readonly now: () => number
  readonly tell: (told: readonly Told[]) => void
}

/** What a call costs besides its payload. */
const OVERHEAD_BYTES = 200

export class LevelUpstream {
  readonly #options: LevelUpstreamOptions
  readonly #context: UpstreamContext
  readonly #listening: Listening

  constructor(options: LevelUpstreamOptions) {
    this.#options = options
    this.#listening = options.listening
    this.#context = { limits: options.limits, isHeard: (app) => this.#listening.has(app) }
  }

  append(request: UpstreamAppend): Promise<UpstreamAppended> {
    const { message, as, received } = request
    return this.#options.commits.submit({
      // What is only told writes nothing.
      synced: as === 'stored' || message.retain || received !== undefined,
      bytes: OVERHEAD_BYTES + message.payload.byteLength,
      apply: (transaction) => appendUpstream(transaction, this.#context, request),
    })
  }

  async appendEvents(events: readonly EventAppend[]): Promise<readonly number[]> {
    return await this.#options.commits.submit({
      synced: true,
      bytes: bytesOf(events.map(({ message }) => message)),
      apply: (transaction) => appendEvents(transaction, this.#context, events),
    })
  }

  async appendGroup(append: GroupAppend): Promise<GroupAppended> {
    return await this.#options.commits.submit({
      synced: true,
      bytes: bytesOf([append.message]),
      apply: (transaction) => appendGroup(transaction, this.#context, append),
    })
  }

  /** Where it is lost, the uid stays for its day. */
  async forgetGroupUid(uid: string, groups: readonly TokenId[]): Promise<void> {
    await this.#options.commits.submit({
      synced: false,
      bytes: uid.length * groups.length,
      apply: (transaction) => forgetGroupUid(transaction, uid, groups),
    })
  }

  async assignShared({ app, reader, member }: Membership, offset: number, name: string): Promise<string | undefined> {
    const { claims, commits, now } = this.#options
    return await commits.submit({
      synced: true,
      bytes: name.length,
      apply: (transaction) =>
        claims.known(app, reader)?.isOf(member, offset, now()) === true
          ? assignShared(transaction, app, offset, name)
          : undefined,
    })
  }

  /** Where it is lost, it stays for its day. */
  async forgetAssigned(group: TokenId, offset: number): Promise<void> {
    await this.#options.commits.submit({
      synced: false,
      bytes: 0,
      apply: (transaction) => forgetAssigned(transaction, group, offset),
    })
  }

  async restore(log: string, entries: readonly UpstreamEntry[]): Promise<readonly ReaderMove[]> {
    return await this.#options.commits.submit({
      synced: true,
      bytes: bytesOf(entries),
      apply: (transaction) => restoreUpstream(transaction, this.#context.isHeard, log, entries),
    })
  }

  async restoreRetained(app: string, entries: readonly UpstreamEntry[]): Promise<void> {
    await this.#options.commits.submit({
      synced: true,
      bytes: bytesOf(entries),
      apply: (transaction) => restoreRetained(transaction, app, entries),
    })
  }

  async release(tokenId: TokenId, epoch: number, packetId: number): Promise<boolean> {
    const apply = (transaction: Transaction): boolean => releaseUpstream(transaction, tokenId, epoch, packetId)
    return await this.#options.commits.submit({ synced: true, bytes: OVERHEAD_BYTES, apply })
  }

  async openReader(open: ReaderOpen): Promise<readonly ReaderPart[]> {
    return [await this.#change(open.app, true, (transaction) => openReader(transaction, open))]
  }

  async closeReader(app: string, reader: string): Promise<void> {
    await this.#change(app, true, (transaction) => closeReader(transaction, app, reader))
    await this.#trimRest(app)
  }

  async read(app: string, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>> {
    return await this.#read(app, after, limit)
  }

  async readUnread(reading: {
    readonly app: string
    readonly reader: string
    readonly after: number
    readonly limit: ReadLimit
  }): Promise<UnreadSlice> {
    const { durable, now } = this.#options
    const { app, reader, after, limit } = reading
    const known = (await durable.readers(app)).get(reader)
    if (known === undefined || hasEnded(known, now()))
      return { slice: await this.#read(app, after, limit), isKnown: false, missed: 0 }
    // What is dropped during the read may be in it.
    const missed = missedBy(known, durable.upstream(app))
    return { slice: await this.#read(app, Math.max(after, known.cursor), limit), isKnown: true, missed }
  }

  async moveReader(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean> {
    const to = Math.max(0, ...moves.map(({ cursor }) => cursor))
    const told = Math.max(0, ...moves.map(({ missed = 0 }) => missed))
    const isKnown = await this.#change(app, false, (transaction) => moveReader(transaction, app, reader, to, told))
    await this.#trimRest(app)
    return isKnown
  }

  async claim({ app, reader, member, until, limit, had }: Claim): Promise<LogSlice<UpstreamEntry>> {
    const { claims, durable, now } = this.#options
    const find = async () => (await durable.readers(app)).get(reader)
    const known = await find()
    if (known === undefined || hasEnded(known, now())) return nothing(durable.upstream(app).log.last)
    return await claims.of(app, reader).take({ member, until, had }, now(), async (takenTo, isHeld) => {
      const { cursor, settled } = (await find()) ?? known
      const isFree = (offset: number): boolean => !isHeld(offset) && !isAmong(settled, offset)
      return await this.#read(app, Math.max(cursor, takenTo), limit, isFree)
    })
  }

  async settle({ app, reader, member }: Membership, offsets: readonly number[]): Promise<readonly number[]> {
    const { claims, now } = this.#options
    const claimed = claims.known(app, reader)
    const own = claimed?.settling(member, offsets, now()) ?? []
    if (claimed === undefined || own.length === 0) return await this.#settledOf(app, reader, offsets)
    try {
      await this.#change(app, false, (transaction) => settleUpstream(transaction, app, reader, own))
    } catch (error) {
      claimed.unsettled(own)
      throw error
    }
    await claimed.settled(own)
    await this.#trimRest(app)
    return own.length === offsets.length ? own : await this.#settledOf(app, reader, offsets)
  }

  async #settledOf(app: string, reader: string, offsets: readonly number[]): Promise<readonly number[]> {
    const known = (await this.#options.durable.readers(app)).get(reader)
    if (known === undefined) return []
    return offsets.filter((offset) => offset <= known.cursor || isAmong(known.settled, offset))
  }

  async renewClaims({ app, reader, member, until }: Membership & Pick<Claim, 'until'>): Promise<void> {
    const { claims, now } = this.#options
    await claims.known(app, reader)?.renew(member, until, now())
  }

  async releaseClaims({ app, reader, member }: Membership): Promise<void> {
    const { claims, durable, tell } = this.#options
    const isFreed = await claims.known(app, reader)?.release(member)
    if (isFreed !== true || !this.#listening.has(app)) return
    const { last } = durable.upstream(app).log
    tell([(watcher) => watcher.upstreamAppended?.(app, PART, last)])
  }

  retained(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry> {
    const { database, now } = this.#options
    return retainedOf(database, now, app, tokenId)
  }

  async #read(
    app: string,
    after: number,
    limit: ReadLimit,
    isPending?: (offset: number) => boolean,
  ): Promise<LogSlice<UpstreamEntry>> {
    const { database, durable, now } = this.#options
    const { log, lowest } = durable.upstream(app)
    return await readLog(database, {
      prefix: upstreamLogPrefix(app),
      log,
      // Entries that all readers have passed, but that are not trimmed yet, belong to nobody.
      after: Math.max(after, Math.min(lowest, log.last)),
      limit,
      now: now(),
      ...(isPending === undefined ? {} : { isPending }),
      decode: decodeUpstreamEntry,
    })
  }

  /** A long backlog is trimmed in portions, so that other calls run in between. */
  async #trimRest(app: string): Promise<void> {
    while (hasRest(this.#options.durable.upstream(app))) {
      await this.#change(app, false, (transaction) => trimUpstream(transaction, app))
    }
  }

  #change<T>(app: string, synced: boolean, apply: Step<T>['apply']): Promise<T> {
    const prepare = async (transaction: Transaction): Promise<void> => await transaction.upstream.prepareReaders(app)
    return this.#options.commits.submit({ synced, bytes: OVERHEAD_BYTES, prepare, apply })
  }
}

function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { payload }) => sum + OVERHEAD_BYTES + payload.byteLength, 0)
}

function nothing(end: number): LogSlice<UpstreamEntry> {
  return { entries: [], readTo: end, end }
}
