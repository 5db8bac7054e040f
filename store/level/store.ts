/** The embedded engine: one process, one directory, nothing to install. Every accepted call is synced to disk first. */
import {
  type Appended,
  type BroadcastAppend,
  type BroadcastEntry,
  type Claim,
  type Commit,
  type KnownToken,
  type LogEntry,
  type LogSlice,
  type OpenedNamedSession,
  type OpenedSession,
  type OpenSessionRequest,
  type Part,
  type PrivateAppend,
  type ReaderMove,
  type ReaderOpen,
  type ReaderPart,
  type ReadLimit,
  type RegisteredToken,
  type RestoredToken,
  type RetainedBroadcast,
  type SessionClose,
  type Store,
  type StoreHealth,
  type StoreLimits,
  type StoreObserver,
  type StoreOptions,
  type TokenId,
  type TokenRecord,
  type TokenRegistration,
  type UpstreamAppend,
  type UpstreamAppended,
  type UpstreamEntry,
  type Watcher,
} from '../contract.ts'
import { DEFAULT_LIMITS, type Limits } from '../../common/limits.ts'
import { Selections } from '../../topics/index.ts'
import { Claims } from './claims.ts'
import { Database, unavailable } from './database.ts'
import { Durable, orDamaged } from './durable.ts'
import { decodeBroadcastEntry, decodeEntry } from './entry.ts'
import { GroupCommit } from './group-commit.ts'
import { broadcastLogPrefix, privateLogPrefix, retainedBroadcastKey, retainedPrivateKey, secretKey } from './keys.ts'
import { append, appendBroadcast, commit } from './messages.ts'
import { knownApps, knownTokens } from './inventory.ts'
import { closeNamedSession, openNamedSession, saveNamedSession } from './named.ts'
import { readLog } from './read.ts'
import { trimmable } from './records.ts'
import { sweep } from './sweep.ts'
import { Sweeper } from './sweeper.ts'
import { closeSession, openSession, recordOf, registerToken, restoreToken, revokeToken, saveSession } from './tokens.ts'
import { tellAll, type Told } from '../watching.ts'
import type { Transaction } from './transaction.ts'
import { PART } from './upstream.ts'
import { LevelUpstream } from './upstream-store.ts'

type LevelLimits = StoreLimits & Pick<Limits, 'cachedTokens' | 'diskCalls' | 'diskBytes'>

export interface LevelStoreOptions extends StoreOptions {
  /** Made when it is not there, for its owner only. One process at a time may open it. */
  readonly directory: string
  readonly limits?: Partial<LevelLimits>
  /** Awaited before each write to disk; a test can hold writes back with it. */
  readonly beforeSync?: () => Promise<void>
}

/** What a call costs besides its payload. */
const OVERHEAD_BYTES = 200

/** Call `open` on what it returns. */
export function openLevelStore(options: LevelStoreOptions): Store {
  return new LevelStore(options)
}

class LevelStore implements Store {
  readonly #database: Database
  readonly #durable: Durable
  readonly #commits: GroupCommit
  readonly #limits: LevelLimits
  readonly #now: () => number
  readonly #selections = new Selections()
  readonly #watchers = new Set<Watcher>()
  readonly #claims = new Claims()
  readonly #upstream: LevelUpstream
  readonly #sweeper: Sweeper
  readonly #observer: StoreObserver | undefined
  #isOpen = false

  constructor(options: LevelStoreOptions) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#observer = options.observer
    this.#now = options.now ?? Date.now
    this.#database = new Database(options.directory)
    this.#durable = new Durable(this.#database, this.#limits.cachedTokens, (app, reader) =>
      this.#claims.forget(app, reader),
    )
    this.#commits = new GroupCommit({
      database: this.#database,
      durable: this.#durable,
      now: this.#now,
      observer: options.observer,
      tell: (told) => this.#tell(told),
      beforeSync: options.beforeSync,
      waitingCalls: this.#limits.diskCalls,
      waitingBytes: this.#limits.diskBytes,
    })
    const pass = (): Promise<void> => sweep(this.#database, this.#commits, this.#now())
    this.#sweeper = new Sweeper(pass, this.#limits.sweepMs)
    this.#upstream = new LevelUpstream({
      database: this.#database,
      durable: this.#durable,
      commits: this.#commits,
      claims: this.#claims,
      limits: this.#limits,
      now: this.#now,
      tell: (told) => this.#tell(told),
    })
  }

  async open(): Promise<void> {
    await this.#database.open()
    this.#isOpen = true
    this.#commits.open()
    this.#sweeper.open()
  }

  async close(): Promise<void> {
    this.#isOpen = false
    this.#sweeper.close()
    await this.#commits.close()
    await this.#sweeper.idle()
    await this.#database.close()
    this.#durable.forget()
    this.#claims.clear()
  }

  async health(): Promise<StoreHealth> {
    this.#mustBeOpen()
    await this.#commits.check()
    this.#database.get(secretKey(''))
    const { problem } = this.#sweeper
    return { warnings: problem === undefined ? [] : [problem] }
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  async secret(name: string, create: () => string): Promise<string> {
    return await this.#change((transaction) => {
      const key = secretKey(name)
      const known = transaction.get(key)
      if (known !== undefined) return known.toString()
      const made = create()
      transaction.put(key, Buffer.from(made))
      return made
    })
  }

  // Token registry

  async registerToken(registration: TokenRegistration): Promise<RegisteredToken> {
    return await this.#change((transaction) => registerToken(transaction, registration))
  }

  async revokeToken(tokenId: TokenId): Promise<boolean> {
    return await this.#change((transaction) => revokeToken(transaction, tokenId), {
      prepare: (transaction) => transaction.upstream.prepareRetained(tokenId),
    })
  }

  async lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined> {
    this.#mustBeOpen()
    const token = this.#durable.token(tokenId)
    return token && recordOf(token)
  }

  // Logs

  append(request: PrivateAppend): Promise<Appended> {
    const bytes = OVERHEAD_BYTES + request.message.payload.byteLength
    const apply = (transaction: Transaction): Appended => append(transaction, this.#limits, request)
    return this.#commits.submit({ synced: true, bytes, apply })
  }

  async appendBroadcast(request: BroadcastAppend): Promise<Appended> {
    const { app, message } = request
    return await this.#change((transaction) => appendBroadcast(transaction, this.#limits, request), {
      bytes: message.payload.byteLength,
      ...(message.retain ? { prepare: (transaction: Transaction) => transaction.prepareRetained(app) } : {}),
    })
  }

  async readPrivate(tokenId: TokenId, after: number, limit: ReadLimit): Promise<LogSlice<LogEntry>> {
    this.#mustBeOpen()
    const token = this.#durable.token(tokenId)
    if (token === undefined) return { entries: [], readTo: after, end: 0 }
    const skipped = token.marks?.skippedPrivate
    return await readLog(this.#database, {
      prefix: privateLogPrefix(tokenId),
      log: token.log,
      after: Math.max(after, trimmable(token)),
      isPending: (offset) => offset > token.cursor || skipped?.includes(offset) === true,
      limit,
      now: this.#now(),
      decode: decodeEntry,
    })
  }

  async readBroadcast(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    this.#mustBeOpen()
    return await readLog(this.#database, {
      prefix: broadcastLogPrefix(app),
      log: this.#durable.app(app).log,
      after,
      limit,
      now: this.#now(),
      decode: decodeBroadcastEntry,
    })
  }

  async retainedPrivate(tokenId: TokenId): Promise<LogEntry | undefined> {
    this.#mustBeOpen()
    const token = this.#durable.token(tokenId)
    return token === undefined || token.retainedUntil === 0
      ? undefined
      : this.#retained(retainedPrivateKey(tokenId), decodeEntry)
  }

  async retainedBroadcast(app: string, version: string): Promise<BroadcastEntry | undefined> {
    this.#mustBeOpen()
    const last = (await this.#durable.retained(app)).lastFor(version, this.#selections)
    if (last === undefined || last.row.until <= this.#now()) return undefined
    return this.#retained(retainedBroadcastKey(app, last.text), decodeBroadcastEntry)
  }

  async commit(commits: readonly Commit[]): Promise<readonly Commit[]> {
    return await this.#change((transaction) => commit(transaction, commits), {
      synced: false,
      bytes: commits.length * OVERHEAD_BYTES,
    })
  }

  // Sessions

  async openSession(request: OpenSessionRequest): Promise<OpenedSession> {
    return await this.#change((transaction) => openSession(transaction, request))
  }

  async saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void> {
    const bytes = state.byteLength
    await this.#change((transaction) => saveSession(transaction, tokenId, epoch, state), { bytes })
  }

  async closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void> {
    const bytes = close.state?.byteLength ?? 0
    await this.#change((transaction) => closeSession(transaction, tokenId, epoch, close), { bytes })
  }

  async openNamedSession(name: string, cleanStart: boolean): Promise<OpenedNamedSession> {
    return await this.#change((transaction) => openNamedSession(transaction, name, cleanStart), { bytes: name.length })
  }

  async saveNamedSession(name: string, epoch: number, state: Uint8Array): Promise<void> {
    const bytes = name.length + state.byteLength
    await this.#change((transaction) => saveNamedSession(transaction, name, epoch, state), { bytes })
  }

  async closeNamedSession(name: string, epoch: number, close: SessionClose): Promise<void> {
    const bytes = name.length + (close.state?.byteLength ?? 0)
    await this.#change((transaction) => closeNamedSession(transaction, name, epoch, close), { bytes })
  }

  /** There is one process, and its watchers hear of every append. */
  async follow(): Promise<() => void> {
    this.#mustBeOpen()
    return () => undefined
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

  async listenUpstream(app: string): Promise<() => void> {
    this.#mustBeOpen()
    return this.#upstream.listen(app)
  }

  async openReader(open: ReaderOpen): Promise<readonly ReaderPart[]> {
    return await this.#upstream.openReader(open)
  }

  async closeReader(app: string, reader: string): Promise<void> {
    await this.#upstream.closeReader(app, reader)
  }

  async readUpstream(app: string, _: Part, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>> {
    this.#mustBeOpen()
    return await this.#upstream.read(app, after, limit)
  }

  async moveReader(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean> {
    return await this.#upstream.moveReader(app, reader, moves)
  }

  async claimUpstream(claim: Claim): Promise<LogSlice<UpstreamEntry>> {
    this.#mustBeOpen()
    return await this.#upstream.claim(claim)
  }

  async settleUpstream(claim: Pick<Claim, 'app' | 'reader' | 'member'>, offsets: readonly number[]): Promise<void> {
    this.#mustBeOpen()
    await this.#upstream.settle(claim, offsets)
  }

  async renewClaims(claim: Pick<Claim, 'app' | 'reader' | 'member' | 'until'>): Promise<void> {
    this.#mustBeOpen()
    await this.#upstream.renewClaims(claim)
  }

  async releaseClaims(claim: Pick<Claim, 'app' | 'reader' | 'member'>): Promise<void> {
    this.#mustBeOpen()
    await this.#upstream.releaseClaims(claim)
  }

  retainedUpstream(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry> {
    this.#mustBeOpen()
    return this.#upstream.retained(app, tokenId)
  }

  // Inventory

  tokens(): AsyncIterable<KnownToken> {
    this.#mustBeOpen()
    return knownTokens(this.#database)
  }

  broadcastApps(): AsyncIterable<string> {
    this.#mustBeOpen()
    return knownApps(this.#database)
  }

  async retainedBroadcasts(app: string): Promise<readonly RetainedBroadcast[]> {
    this.#mustBeOpen()
    const index = await this.#durable.retained(app)
    return index.rows.map(({ text, selector, offset }) => {
      const entry = this.#retained(retainedBroadcastKey(app, text), decodeBroadcastEntry)
      return { selector, offset, ...(entry === undefined ? {} : { entry }) }
    })
  }

  async restoreToken(token: RestoredToken): Promise<TokenRecord> {
    return await this.#change((transaction) => restoreToken(transaction, token), {
      prepare: (transaction) => transaction.upstream.prepareRetained(token.registration.tokenId),
    })
  }

  async sweep(): Promise<void> {
    await this.#sweeper.sweep()
  }

  #change<T>(
    apply: (transaction: Transaction) => T,
    {
      synced = true,
      bytes = 0,
      prepare,
    }: { synced?: boolean; bytes?: number; prepare?: (transaction: Transaction) => Promise<void> } = {},
  ): Promise<T> {
    const step = { synced, bytes: bytes + OVERHEAD_BYTES, apply }
    return this.#commits.submit(prepare === undefined ? step : { ...step, prepare })
  }

  /** Undefined when it was cleared or has expired since it was found. */
  #retained<E extends LogEntry>(key: Buffer, decode: (bytes: Buffer) => E): E | undefined {
    const bytes = this.#database.get(key)
    if (bytes === undefined) return undefined
    const entry = orDamaged(() => decode(bytes))
    return entry.expiresAt > this.#now() ? entry : undefined
  }

  /** In a turn of their own, after who appended has been answered. */
  #tell(told: readonly Told[]): void {
    if (told.length === 0 || this.#watchers.size === 0) return
    setImmediate(() => {
      tellAll(this.#watchers, told, this.#observer)
    })
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw unavailable('the embedded store is closed')
  }
}
