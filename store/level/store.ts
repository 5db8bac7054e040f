/** The embedded engine: one process, one directory, nothing to install. Every accepted call is synced to disk first. */
import { ClassicLevel } from 'classic-level'
import { PushError } from '../../errors.ts'
import {
  type Appended,
  type BroadcastAppend,
  type BroadcastEntry,
  type Commit,
  DEFAULT_STORE_LIMITS,
  type LogEntry,
  type LogSlice,
  type OpenedSession,
  type OpenSessionRequest,
  type PrivateAppend,
  type ReadLimit,
  type RegisteredToken,
  type SessionClose,
  type SessionEnd,
  type Store,
  type StoreHealth,
  type StoreOptions,
  type TokenId,
  type TokenRecord,
  type TokenRegistration,
  type Watcher,
} from '../contract.ts'
import { BroadcastLog } from './broadcast-log.ts'
import { type Context, look, put } from './context.ts'
import { type Database, GroupCommit, type Operation } from './group-commit.ts'
import { currentKey, expiryKey, secretKey, tokenKey } from './keys.ts'
import { PrivateLog } from './private-log.ts'
import { sweep } from './sweep.ts'
import { type Token, TokenTable } from './token-table.ts'

export interface LevelStoreOptions extends StoreOptions {
  /** Made when it is not there. One process at a time may open it. */
  readonly directory: string
  /** Awaited before each write to disk; a test can hold writes back with it. */
  readonly beforeSync?: () => Promise<void>
}

const NOTHING = Buffer.alloc(0)

/** Call `open` on what it returns. */
export function openLevelStore(options: LevelStoreOptions): Store {
  return new LevelStore(options)
}

class LevelStore implements Store {
  readonly #context: Context
  readonly #tokens: TokenTable
  readonly #private: PrivateLog
  readonly #broadcast: BroadcastLog
  readonly #watchers = new Set<Watcher>()
  readonly #secrets = new Map<string, Promise<string>>()
  /** Current token ids that are being written: (app, device) to token id. */
  readonly #unwrittenCurrent = new Map<string, TokenId>()
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> = Promise.resolve()
  #open = false

  constructor(options: LevelStoreOptions) {
    const database: Database = new ClassicLevel(options.directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    this.#context = {
      database,
      commits: new GroupCommit(database, () => this.#reread(), options.beforeSync),
      limits: { ...DEFAULT_STORE_LIMITS, ...options.limits },
      now: options.now ?? Date.now,
      observer: options.observer ?? { expired: () => undefined, dropped: () => undefined },
      unwrittenIds: new Map(),
    }
    this.#tokens = new TokenTable(this.#context)
    this.#private = new PrivateLog(this.#context, this.#tokens, (tokenId, entry) =>
      this.#tell((watcher) => watcher.privateAppended(tokenId, entry.offset, entry)),
    )
    this.#broadcast = new BroadcastLog(this.#context, (app, entry) =>
      this.#tell((watcher) => watcher.broadcastAppended(app, entry.offset, entry)),
    )
  }

  async open(): Promise<void> {
    try {
      await this.#context.database.open()
    } catch (cause) {
      throw new PushError('STORE_UNAVAILABLE', openProblem(cause, this.#context.database.location), { cause })
    }
    this.#open = true
    const { sweepMs } = this.#context.limits
    this.#timer = setInterval(() => void this.sweep().catch(() => undefined), sweepMs).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
    await this.#context.commits.idle()
    this.#open = false
    await this.#context.database.close()
  }

  async health(): Promise<StoreHealth> {
    this.#check()
    look(this.#context.database, secretKey('health'))
    return { warnings: [] }
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  secret(name: string, create: () => string): Promise<string> {
    let secret = this.#secrets.get(name)
    if (secret === undefined) {
      secret = this.#readSecret(name, create)
      secret.catch(() => this.#secrets.delete(name))
      this.#secrets.set(name, secret)
    }
    return secret
  }

  async registerToken(registration: TokenRegistration): Promise<RegisteredToken> {
    this.#check()
    const { tokenId, app, device, account, expiresAt } = registration
    const broadcastEnd = await this.#broadcast.end(app)
    const token =
      this.#tokens.get(tokenId) ??
      this.#tokens.create(tokenId, { ...BLANK, app, device, account, broadcastCursor: broadcastEnd })
    const former = this.#formerToken(app, device, tokenId)
    token.current = true
    token.revoked = false
    token.expiresAt = Math.max(token.expiresAt, expiresAt)
    const operations = [
      this.#tokens.save(token),
      put(currentKey(app, device), Buffer.from(tokenId)),
      this.#expiryOf(token),
    ]
    if (former !== undefined) {
      former.current = false
      operations.push(this.#tokens.save(former))
    }
    const name = `${app}\0${device}`
    this.#unwrittenCurrent.set(name, tokenId)
    await this.#write([token, ...(former === undefined ? [] : [former])], operations)
    if (this.#unwrittenCurrent.get(name) === tokenId) this.#unwrittenCurrent.delete(name)
    const { generation } = token
    if (former === undefined) return { generation }
    this.#ended(former, former.epoch, 'TOKEN_SUPERSEDED')
    return { generation, switchedFrom: former.id }
  }

  async revokeToken(tokenId: TokenId): Promise<boolean> {
    this.#check()
    const token = this.#tokens.get(tokenId)
    if (token === undefined) return false
    if (!token.revoked) {
      token.revoked = true
      token.generation++
    }
    await this.#write([token], [this.#tokens.save(token)])
    this.#ended(token, token.epoch, 'TOKEN_REVOKED')
    return true
  }

  async lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined> {
    this.#check()
    const token = this.#tokens.get(tokenId)
    if (token === undefined) return undefined
    const { app, generation, revoked, current, cursor, broadcastCursor } = token
    return { app, generation, revoked, current, cursors: { private: cursor, broadcast: broadcastCursor } }
  }

  async append(append: PrivateAppend): Promise<Appended> {
    this.#check()
    return this.#private.append(append)
  }

  async appendBroadcast(append: BroadcastAppend): Promise<Appended> {
    this.#check()
    return this.#broadcast.append(append)
  }

  async readPrivate(tokenId: TokenId, after: number, limit: ReadLimit): Promise<LogSlice<LogEntry>> {
    this.#check()
    return this.#private.read(tokenId, after, limit)
  }

  async readBroadcast(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    this.#check()
    return this.#broadcast.read(app, after, limit)
  }

  async retainedPrivate(tokenId: TokenId): Promise<LogEntry | undefined> {
    this.#check()
    return this.#private.retained(tokenId)
  }

  async retainedBroadcast(app: string, version: string): Promise<BroadcastEntry | undefined> {
    this.#check()
    return this.#broadcast.retained(app, version)
  }

  async commit(commits: readonly Commit[]): Promise<readonly Commit[]> {
    this.#check()
    const refused: Commit[] = []
    const operations: Operation[] = []
    const touched: Token[] = []
    const unfenced: Token[] = []
    for (const commit of commits) {
      const token = this.#tokens.get(commit.tokenId)
      if (token === undefined || (commit.epoch !== undefined && commit.epoch !== token.epoch)) {
        refused.push(commit)
        continue
      }
      const broadcastEnd = commit.broadcast === undefined ? 0 : await this.#broadcast.end(token.app)
      if (!this.#move(token, commit, broadcastEnd, operations)) continue
      touched.push(token)
      if (commit.epoch === undefined) unfenced.push(token)
    }
    // Not synced: what a crash of the machine takes back is delivered again.
    if (operations.length > 0) await this.#write(touched, operations, false)
    for (const token of unfenced) {
      const cursors = { private: token.cursor, broadcast: token.broadcastCursor }
      this.#tell((watcher) => watcher.cursorMoved(token.id, cursors))
    }
    return refused
  }

  async openSession(request: OpenSessionRequest): Promise<OpenedSession> {
    this.#check()
    const token = this.#tokens.get(request.tokenId)
    if (token === undefined || token.app !== request.app) throw new PushError('TOKEN_UNKNOWN')
    if (token.revoked || request.generation < token.generation) throw new PushError('TOKEN_REVOKED')
    if (!token.current) throw new PushError('TOKEN_SUPERSEDED')
    const wasOpen = token.open
    const ended = !wasOpen && token.stateExpiresAt !== 0 && token.stateExpiresAt <= this.#context.now()
    if (request.cleanStart || ended) token.state = undefined
    token.open = true
    const epoch = ++token.epoch
    const { state } = token
    await this.#write([token], [this.#tokens.save(token)])
    if (wasOpen) this.#ended(token, epoch - 1, 'SESSION_TAKEN_OVER')
    return {
      epoch,
      ...(state === undefined ? {} : { state }),
      unclean: wasOpen && state !== undefined,
      cursors: { private: token.cursor, broadcast: token.broadcastCursor },
      privateEnd: token.written,
    }
  }

  async saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void> {
    this.#check()
    const token = this.#tokens.get(tokenId)
    if (token === undefined || token.epoch !== epoch || !token.open) throw new PushError('SESSION_FENCED')
    token.state = state
    await this.#write([token], [this.#tokens.save(token)])
  }

  async closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void> {
    this.#check()
    const token = this.#tokens.get(tokenId)
    if (token === undefined || token.epoch !== epoch || !token.open) return
    token.open = false
    token.state = close.state
    token.stateExpiresAt = Number.isFinite(close.stateExpiresAt) ? close.stateExpiresAt : 0
    await this.#write([token], [this.#tokens.save(token)])
  }

  /** Every append of the only process is told to every watcher. */
  async follow(): Promise<() => void> {
    this.#check()
    return () => undefined
  }

  sweep(): Promise<void> {
    this.#check()
    this.#sweeping = this.#sweeping
      .catch(() => undefined)
      .then(() => sweep(this.#context, this.#tokens, this.#private, this.#broadcast))
    return this.#sweeping
  }

  #move(token: Token, commit: Commit, broadcastEnd: number, operations: Operation[]): boolean {
    const before = token.cursor + token.broadcastCursor
    if (commit.private !== undefined) this.#private.trim(token, commit.private, operations)
    if (commit.broadcast !== undefined)
      token.broadcastCursor = Math.max(token.broadcastCursor, Math.min(commit.broadcast, broadcastEnd))
    if (token.cursor + token.broadcastCursor === before) return false
    operations.push(this.#tokens.save(token))
    return true
  }

  async #write(tokens: readonly Token[], operations: readonly Operation[], sync = true): Promise<void> {
    for (const token of tokens) token.writing++
    try {
      await this.#context.commits.write(operations, sync)
    } finally {
      for (const token of tokens) token.writing--
    }
  }

  #formerToken(app: string, device: string, tokenId: TokenId): Token | undefined {
    const unwritten = this.#unwrittenCurrent.get(`${app}\0${device}`)
    const current = unwritten ?? look(this.#context.database, currentKey(app, device))?.toString()
    return current === undefined || current === tokenId ? undefined : this.#tokens.get(current)
  }

  #expiryOf(token: Token): Operation {
    return put(expiryKey(token.expiresAt, tokenKey(token.id)), NOTHING)
  }

  #ended(token: Token, epoch: number, reason: SessionEnd): void {
    this.#tell((watcher) => watcher.sessionEnded(token.id, epoch, reason))
  }

  /** In a turn of their own, so that who appended goes on first. */
  #tell(what: (watcher: Watcher) => void): void {
    if (this.#watchers.size === 0) return
    queueMicrotask(() => {
      for (const watcher of this.#watchers) what(watcher)
    })
  }

  async #readSecret(name: string, create: () => string): Promise<string> {
    this.#check()
    const known = look(this.#context.database, secretKey(name))
    if (known !== undefined) return known.toString('utf8')
    const made = create()
    await this.#context.commits.write([put(secretKey(name), Buffer.from(made, 'utf8'))], true)
    return made
  }

  #reread(): void {
    this.#tokens.clear()
    this.#broadcast.clear()
    this.#context.unwrittenIds.clear()
    this.#unwrittenCurrent.clear()
  }

  #check(): void {
    if (!this.#open) throw new PushError('STORE_UNAVAILABLE', 'the embedded store is closed')
  }
}

const BLANK = {
  generation: 0,
  revoked: false,
  current: true,
  expiresAt: 0,
  lastOffset: 0,
  cursor: 0,
  count: 0,
  bytes: 0,
  epoch: 0,
  open: false,
  state: undefined,
  stateExpiresAt: 0,
}

function openProblem(error: unknown, directory: string): string {
  const { cause } = error as { cause?: { code?: string } }
  return cause?.code === 'LEVEL_LOCKED'
    ? `${directory} is in use by another process; one server uses one data directory`
    : `${directory} cannot be opened`
}
