/** The embedded engine: one process, one directory, nothing to install. Every accepted call is synced to disk first. */
import {
  type Appended,
  type BroadcastAppend,
  type BroadcastEntry,
  type Claim,
  type ClaimOwner,
  type Commit,
  type EventAppend,
  type GroupAppend,
  type GroupAppended,
  type KnownNamedSession,
  type KnownReader,
  type KnownToken,
  type LogEntry,
  type LogSlice,
  type OpenedSession,
  type OpenSessionRequest,
  type Part,
  type PrivateAppend,
  type ReaderMove,
  type ReaderOpen,
  type ReaderPart,
  type ReadLimit,
  type RestoredToken,
  type RetainedBroadcast,
  type SessionClose,
  type SessionUsage,
  type Store,
  type TokenId,
  type TokenRecord,
  type UpstreamAppend,
  type UnreadSlice,
  type UpstreamAppended,
  type UpstreamEntry,
  type WebPushAppend,
} from '../contract.ts'
import { Selections } from '../../topics/index.ts'
import { orDamaged } from './database.ts'
import { type LevelStoreOptions, OVERHEAD_BYTES } from './engine.ts'
import { decodeBroadcastEntry, decodeEntry } from './entry.ts'
import { broadcastLogPrefix, privateLogPrefix, retainedBroadcastKey, retainedPrivateKey, secretKey } from './keys.ts'
import { LevelFollowing } from './following-store.ts'
import { append, appendBroadcast, appendWebPush, commit } from './messages.ts'
import {
  knownApps,
  knownNamedSessions,
  knownReaders,
  knownTokens,
  knownUpstreamLogs,
  sessionUsage,
} from './inventory.ts'
import { readLog } from './read.ts'
import { isPending, trimmable } from './records.ts'
import { closeSession, openSession, restoreToken, saveSession } from './tokens.ts'
import type { Transaction } from './transaction.ts'
import { PART } from './upstream-log.ts'
import { LevelUpstream } from './upstream-store.ts'

/** Call `open` on what it returns. */
export function openLevelStore(options: LevelStoreOptions): Store & Required<Pick<Store, 'retainedTopics'>> {
  return new LevelStore(options)
}

class LevelStore extends LevelFollowing implements Store {
  readonly #selections = new Selections()
  readonly #upstream: LevelUpstream

  constructor(options: LevelStoreOptions) {
    super(options)
    this.#upstream = new LevelUpstream({
      database: this.database,
      durable: this.durable,
      commits: this.commits,
      claims: this.claims,
      listening: this.listening,
      limits: this.limits,
      now: this.now,
      tell: (told) => this.tell(told),
    })
  }

  async secret(name: string, create: () => string): Promise<string> {
    return await this.change((transaction) => {
      const key = secretKey(name)
      const known = transaction.get(key)
      if (known !== undefined) return known.toString()
      const made = create()
      transaction.put(key, Buffer.from(made))
      return made
    })
  }

  // Logs

  append(request: PrivateAppend): Promise<Appended> {
    const bytes = OVERHEAD_BYTES + request.message.payload.byteLength
    const apply = (transaction: Transaction): Appended => append(transaction, this.limits, request)
    return this.commits.submit({ synced: true, bytes, apply })
  }

  appendWebPush(request: WebPushAppend): Promise<Appended> {
    return this.change((transaction) => appendWebPush(transaction, this.limits, request), {
      bytes: OVERHEAD_BYTES + request.message.payload.byteLength,
    })
  }

  appendBroadcast(request: BroadcastAppend): Promise<Appended> {
    const { app, message } = request
    return this.change((transaction) => appendBroadcast(transaction, this.limits, request), {
      bytes: message.payload.byteLength,
      ...(message.retain ? { prepare: (transaction: Transaction) => transaction.prepareRetained(app) } : {}),
    })
  }

  async readPrivate(
    tokenId: TokenId,
    after: number,
    limit: ReadLimit,
    { handsOut = false }: { readonly handsOut?: boolean } = {},
  ): Promise<LogSlice<LogEntry>> {
    this.mustBeOpen()
    const token = this.durable.token(tokenId)
    if (token === undefined) return { entries: [], readTo: after, end: 0 }
    const slice = await readLog(this.database, {
      prefix: privateLogPrefix(tokenId),
      log: token.log,
      after: Math.max(after, trimmable(token)),
      isPending: (offset) => isPending(token, offset),
      limit,
      now: this.now(),
      decode: decodeEntry,
    })
    const last = slice.entries.at(-1)
    if (handsOut && last !== undefined) await this.handedOut(tokenId, last.offset)
    return token.missed === undefined ? slice : { ...slice, missed: token.missed }
  }

  async readBroadcast(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    this.mustBeOpen()
    const { log, droppedThrough } = this.durable.app(app)
    const slice = await readLog(this.database, {
      prefix: broadcastLogPrefix(app),
      log,
      after,
      limit,
      now: this.now(),
      decode: decodeBroadcastEntry,
    })
    return droppedThrough === 0 ? slice : { ...slice, droppedThrough }
  }

  async retainedPrivate(tokenId: TokenId): Promise<LogEntry | undefined> {
    this.mustBeOpen()
    const token = this.durable.token(tokenId)
    return token === undefined || token.retainedUntil === 0
      ? undefined
      : this.#retained(retainedPrivateKey(tokenId), decodeEntry)
  }

  async retainedBroadcast(app: string, version: string, tags: readonly string[]): Promise<BroadcastEntry | undefined> {
    this.mustBeOpen()
    const last = (await this.durable.retained(app)).lastFor(version, tags, this.#selections)
    if (last === undefined || last.row.until <= this.now()) return undefined
    return this.#retained(retainedBroadcastKey(app, last.text), decodeBroadcastEntry)
  }

  commit(commits: readonly Commit[]): Promise<readonly Commit[]> {
    return this.change((transaction) => commit(transaction, commits), {
      synced: false,
      bytes: commits.length * OVERHEAD_BYTES,
    })
  }

  // Sessions

  openSession(request: OpenSessionRequest): Promise<OpenedSession> {
    return this.change((transaction) => openSession(transaction, request), { synced: false })
  }

  async saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void> {
    const bytes = state.byteLength
    await this.change((transaction) => saveSession(transaction, tokenId, epoch, state), { bytes })
  }

  closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void> {
    const bytes = close.state?.byteLength ?? 0
    return this.change((transaction) => closeSession(transaction, tokenId, epoch, close), { synced: false, bytes })
  }

  // Upstream

  readonly upstreamParts = 1

  upstreamPart(): Part {
    return PART
  }

  appendUpstream(append: UpstreamAppend): Promise<UpstreamAppended> {
    return this.#upstream.append(append)
  }

  async releaseUpstream(tokenId: TokenId, epoch: number, packetId: number): Promise<boolean> {
    return await this.#upstream.release(tokenId, epoch, packetId)
  }

  async appendEvents(events: readonly EventAppend[]): Promise<readonly number[]> {
    return await this.#upstream.appendEvents(events)
  }

  async appendGroup(append: GroupAppend): Promise<GroupAppended> {
    return await this.#upstream.appendGroup(append)
  }

  async forgetGroupUid(uid: string, groups: readonly TokenId[]): Promise<void> {
    await this.#upstream.forgetGroupUid(uid, groups)
  }

  async assignShared(claim: ClaimOwner, offset: number, name: string): Promise<string | undefined> {
    return await this.#upstream.assignShared(claim, offset, name)
  }

  async forgetAssigned(group: TokenId, offset: number): Promise<void> {
    await this.#upstream.forgetAssigned(group, offset)
  }

  async listenUpstream(app: string): Promise<() => void> {
    this.mustBeOpen()
    return this.listening.add(app)
  }

  async openReader(open: ReaderOpen): Promise<readonly ReaderPart[]> {
    return await this.#upstream.openReader(open)
  }

  async closeReader(app: string, reader: string): Promise<void> {
    await this.#upstream.closeReader(app, reader)
  }

  async readUpstream(app: string, _: Part, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>> {
    this.mustBeOpen()
    return await this.#upstream.read(app, after, limit)
  }

  async readUnread(reading: Parameters<LevelUpstream['readUnread']>[0]): Promise<UnreadSlice> {
    this.mustBeOpen()
    return await this.#upstream.readUnread(reading)
  }

  async moveReader(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean> {
    return await this.#upstream.moveReader(app, reader, moves)
  }

  async claimUpstream(claim: Claim): Promise<LogSlice<UpstreamEntry>> {
    this.mustBeOpen()
    return await this.#upstream.claim(claim)
  }

  async settleUpstream(claim: ClaimOwner, offsets: readonly number[]): Promise<readonly number[]> {
    this.mustBeOpen()
    return await this.#upstream.settle(claim, offsets)
  }

  async renewClaims(claim: ClaimOwner & Pick<Claim, 'until'>): Promise<void> {
    this.mustBeOpen()
    await this.#upstream.renewClaims(claim)
  }

  async releaseClaims(claim: ClaimOwner): Promise<void> {
    this.mustBeOpen()
    await this.#upstream.releaseClaims(claim)
  }

  retainedUpstream(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry> {
    this.mustBeOpen()
    return this.#upstream.retained(app, tokenId)
  }

  // Inventory

  tokens(): AsyncIterable<KnownToken> {
    this.mustBeOpen()
    return knownTokens(this.durable)
  }

  broadcastApps(): AsyncIterable<string> {
    this.mustBeOpen()
    return knownApps(this.database)
  }

  async retainedBroadcasts(app: string): Promise<readonly RetainedBroadcast[]> {
    this.mustBeOpen()
    const index = await this.durable.retained(app)
    return index.rows.map(({ text, selector, offset }) => {
      const entry = this.#retained(retainedBroadcastKey(app, text), decodeBroadcastEntry)
      return { selector, offset, ...(entry === undefined ? {} : { entry }) }
    })
  }

  upstreamLogs(): AsyncIterable<string> {
    this.mustBeOpen()
    return knownUpstreamLogs(this.durable, this.now())
  }

  async readersOf(log: string): Promise<readonly KnownReader[]> {
    this.mustBeOpen()
    return await knownReaders(this.durable, log, this.now())
  }

  namedSessions(): AsyncIterable<KnownNamedSession> {
    this.mustBeOpen()
    return knownNamedSessions(this.durable, this.now())
  }

  async sessionUsage(prefix: string): Promise<SessionUsage> {
    this.mustBeOpen()
    return await sessionUsage(this.durable, prefix, this.now())
  }

  async restoreUpstream(log: string, entries: readonly UpstreamEntry[]): Promise<readonly ReaderMove[]> {
    return await this.#upstream.restore(log, entries)
  }

  async restoreRetainedUpstream(app: string, entries: readonly UpstreamEntry[]): Promise<void> {
    await this.#upstream.restoreRetained(app, entries)
  }

  async restoreToken(token: RestoredToken): Promise<TokenRecord> {
    return await this.change((transaction) => restoreToken(transaction, token), {
      prepare: (transaction) => transaction.upstream.prepareRetained(token.registration.tokenId),
    })
  }

  /** Undefined if it was cleared or has expired since it was found. */
  #retained<E extends LogEntry>(key: Buffer, decode: (bytes: Buffer) => E): E | undefined {
    const bytes = this.database.get(key)
    if (bytes === undefined) return undefined
    const entry = orDamaged(() => decode(bytes))
    return entry.expiresAt > this.now() ? entry : undefined
  }
}
