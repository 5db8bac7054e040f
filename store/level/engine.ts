/** The base of the embedded engine: its directory, its group commit, its sweeps and its watchers. */
import { DEFAULT_LIMITS, type Limits } from '../../common/limits.ts'
import type { StoreHealth, StoreLimits, StoreObserver, StoreOptions, Watcher } from '../contract.ts'
import { tellAll, type Told } from '../watching.ts'
import { Claims } from './claims.ts'
import { Database, unavailable } from './database.ts'
import { tokenKeptMs } from './due.ts'
import { Durable } from './durable.ts'
import { GroupCommit } from './group-commit.ts'
import { secretKey } from './keys.ts'
import { sweep } from './sweep.ts'
import { Sweeper } from './sweeper.ts'
import { Listening } from './listening.ts'
import { endingsOf } from './message-ends.ts'
import type { Transaction } from './transaction.ts'

type LevelLimits = StoreLimits & Pick<Limits, 'cachedTokens' | 'diskCalls' | 'diskBytes'>

export interface LevelStoreOptions extends StoreOptions {
  /** Made when it is not there, for its owner only. One process at a time may open it. Undefined: in memory. */
  readonly directory: string | undefined
  readonly limits?: Partial<LevelLimits>
  /** Awaited before each write to disk; a test can hold writes back with it. */
  readonly beforeSync?: (synced: boolean) => Promise<void>
}

/** What a call costs besides its payload. */
export const OVERHEAD_BYTES = 200

export class LevelEngine {
  protected readonly database: Database
  protected readonly durable: Durable
  protected readonly commits: GroupCommit
  protected readonly limits: LevelLimits
  protected readonly now: () => number
  protected readonly claims = new Claims()
  protected readonly listening = new Listening()
  readonly #watchers = new Set<Watcher>()
  readonly #sweeper: Sweeper
  readonly #observer: StoreObserver | undefined
  #isOpen = false

  constructor(options: LevelStoreOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#observer = options.observer
    this.now = options.now ?? Date.now
    this.database = new Database(options.directory)
    this.durable = new Durable({
      database: this.database,
      cachedTokens: this.limits.cachedTokens,
      keptMs: tokenKeptMs(this.limits),
      lateMs: this.limits.lateAckMs,
      readerGone: (app, reader) => this.claims.forget(app, reader),
    })
    this.commits = new GroupCommit({
      database: this.database,
      durable: this.durable,
      endingsOf: endingsOf({ limits: this.limits, isHeard: (log) => this.listening.has(log) }),
      now: this.now,
      observer: options.observer,
      tell: (told) => this.tell(told),
      beforeSync: options.beforeSync,
      waitingCalls: this.limits.diskCalls,
      waitingBytes: this.limits.diskBytes,
    })
    const pass = (): Promise<void> => sweep(this.database, this.durable, this.commits, this.now())
    this.#sweeper = new Sweeper(pass, this.limits.sweepMs)
  }

  async open(): Promise<void> {
    await this.database.open()
    this.durable.runs.begin(this.database, this.now())
    this.durable.countPending()
    this.#isOpen = true
    this.commits.open()
    this.#sweeper.open()
    await this.#noteRun()
  }

  /** Where a session is held by an earlier run, the time of this start is its end. A disk that takes no writes makes it later. */
  async #noteRun(): Promise<void> {
    const [held] = await this.durable.runs.heldEarlier(this.database, 1)
    if (held !== undefined) await this.change((transaction) => transaction.sessions.run()).catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#isOpen = false
    this.#sweeper.close()
    await this.commits.close()
    await this.#sweeper.idle()
    await this.database.close()
    this.durable.forget()
    this.claims.clear()
  }

  async health(): Promise<StoreHealth> {
    this.mustBeOpen()
    await this.commits.check()
    this.database.get(secretKey(''))
    const { problem } = this.#sweeper
    return { warnings: problem === undefined ? [] : [problem] }
  }

  async pendingMessages(): Promise<number> {
    this.mustBeOpen()
    return this.durable.pending
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  async sweep(): Promise<void> {
    await this.#sweeper.sweep()
  }

  protected change<T>(
    apply: (transaction: Transaction) => T,
    {
      synced = true,
      bytes = 0,
      prepare,
    }: { synced?: boolean; bytes?: number; prepare?: (transaction: Transaction) => Promise<void> } = {},
  ): Promise<T> {
    const step = { synced, bytes: bytes + OVERHEAD_BYTES, apply }
    return this.commits.submit(prepare === undefined ? step : { ...step, prepare })
  }

  /** In a turn of their own, after who appended has been answered. */
  protected tell(told: readonly Told[]): void {
    if (told.length === 0 || this.#watchers.size === 0) return
    setImmediate(() => {
      tellAll(this.#watchers, told, this.#observer)
    })
  }

  protected mustBeOpen(): void {
    if (!this.#isOpen) throw unavailable('the embedded store is closed')
  }
}
