/**
 * The records on disk as they were last written, with recently used ones cached in memory. Nothing here is not durable.
 */
import { LRUCache } from 'lru-cache'
import type { TokenId } from '../contract.ts'
import { clamp } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import type { EntryHead } from './entry.ts'
import { grown } from './log.ts'
import {
  appKey,
  entryKey,
  namedSessionKey,
  PENDING_KEY,
  privateLogPrefix,
  readerRange,
  restOf,
  retainedIndexRange,
  sessionLogPrefix,
  tokenKey,
  upstreamKey,
} from './keys.ts'
import {
  type AppState,
  decodeApp,
  decodeTimed,
  decodeToken,
  type LogState,
  NEW_APP,
  type TokenState,
} from './records.ts'
import { decodeNamed, decodeNumber, type NamedSession } from './named-records.ts'
import { ProcessRuns } from './process-runs.ts'
import { RetainedIndex } from './retained-index.ts'
import { Scans } from './scans.ts'
import { headOf } from './heads.ts'
import { decodeReader, decodeUpstream, nothingOf, type ReaderState, type UpstreamState } from './upstream-records.ts'

const APPS = 2_000
const RETAINED_INDEXES = 200
const APPS_WITH_READERS = 2_000
/** What was appended lately is what is acknowledged next, one entry after the other. */
const ENTRY_HEADS = 20_000

interface DurableOptions {
  readonly database: Database
  readonly cachedTokens: number
  /** See `tokenKeptMs`. */
  readonly keptMs: number
  /** How long followed entries stay after their expiry. */
  readonly lateMs: number
  readonly readerGone: (app: string, reader: string) => void
}

export class Durable {
  readonly database: Database
  readonly keptMs: number
  readonly #tokens: LRUCache<TokenId, TokenState>
  readonly #apps = new LRUCache<string, AppState>({ max: APPS })
  readonly #upstreams = new LRUCache<string, UpstreamState>({ max: APPS })
  readonly #named: LRUCache<string, NamedSession>
  readonly runs = new ProcessRuns()
  readonly #retained: Scans<RetainedIndex>
  readonly #readers: Scans<Map<string, ReaderState>>
  /** Most go soon after they came: beyond the most, the oldest goes, and a cache by last use would cost more. */
  readonly #heads = new Map<string, EntryHead>()
  readonly #lateMs: number
  readonly #readerGone: (app: string, reader: string) => void
  #pending: number | undefined

  constructor({ database, cachedTokens, keptMs, lateMs, readerGone }: DurableOptions) {
    this.database = database
    this.keptMs = keptMs
    this.#lateMs = lateMs
    this.#readerGone = readerGone
    this.#tokens = new LRUCache({ max: cachedTokens })
    this.#named = new LRUCache({ max: cachedTokens })
    this.#retained = new Scans({
      database,
      most: RETAINED_INDEXES,
      range: retainedIndexRange,
      make: (rows) => orDamaged(() => new RetainedIndex(rows.map(([key, value]) => [restOf(key), decodeTimed(value)]))),
    })
    this.#readers = new Scans({
      database,
      most: APPS_WITH_READERS,
      range: readerRange,
      make: (rows) => orDamaged(() => new Map(rows.map(([key, value]) => [restOf(key), decodeReader(value)]))),
    })
  }

  /** Messages in all private logs. */
  get pending(): number {
    return this.#pending ?? this.countPending()
  }

  countPending(): number {
    const bytes = this.database.get(PENDING_KEY)
    this.#pending = bytes === undefined ? 0 : orDamaged(() => decodeNumber(bytes))
    return this.#pending
  }

  wrotePending(count: number): void {
    this.#pending = count
  }

  token(id: TokenId): TokenState | undefined {
    const known = this.#tokens.get(id)
    if (known !== undefined) return known
    const bytes = this.database.get(tokenKey(id))
    if (bytes === undefined) return undefined
    const token = this.tokenOf(id, bytes)
    this.#tokens.set(id, token)
    return token
  }

  /** Its record, and what its log has grown by since that was written; for scans of all records: the result is not cached. */
  tokenOf(id: TokenId, bytes: Buffer): TokenState {
    const token = orDamaged(() => decodeToken(bytes))
    const log = this.#grown(token.log, privateLogPrefix(id), this.#lateMs)
    return log === token.log ? token : { ...token, log }
  }

  /** One that an earlier run of the process held counts as closed. */
  named(name: string): NamedSession | undefined {
    const session = this.lookedAt(name)
    if (session !== undefined) this.#named.set(name, session)
    return session
  }

  /** The same for scans of all records: the result is not cached. */
  lookedAt(name: string): NamedSession | undefined {
    const known = this.#named.get(name)
    if (known !== undefined) return known
    const bytes = this.database.get(namedSessionKey(name))
    return bytes && this.#asOfThisRun(this.#namedOf(bytes))
  }

  #namedOf(bytes: Buffer): NamedSession {
    const session = orDamaged(() => decodeNamed(bytes))
    const log = session.id === 0 ? session.log : this.#grown(session.log, sessionLogPrefix(session.id))
    return log === session.log ? session : { ...session, log }
  }

  #grown(written: LogState, prefix: Buffer, lateMs?: number): LogState {
    const headAt = (offset: number): EntryHead | undefined => {
      const key = entryKey(prefix, offset)
      return this.entryHead(key, key.toString('latin1'))
    }
    return grown(written, headAt, lateMs)
  }

  #asOfThisRun(session: NamedSession): NamedSession {
    const { held, run, keptMs } = session
    if (!held || run === this.runs.current) return session
    return { ...session, held: false, unclean: true, expiresAt: clamp(this.runs.closedAt(run) + keptMs) }
  }

  /** Without a look at the disk when it was written lately. `text` is the key as Latin-1. */
  entryHead(key: Buffer, text: string): EntryHead | undefined {
    const known = this.#heads.get(text)
    if (known !== undefined) return known
    const bytes = this.database.get(key)
    return bytes && orDamaged(() => headOf(key, bytes))
  }

  app(name: string): AppState {
    const known = this.#apps.get(name)
    if (known !== undefined) return known
    const bytes = this.database.get(appKey(name))
    if (bytes === undefined) return NEW_APP
    const app = orDamaged(() => decodeApp(bytes))
    this.#apps.set(name, app)
    return app
  }

  /** The retained broadcasts of an app; read again when they change while they are read. */
  async retained(app: string): Promise<RetainedIndex> {
    return await this.#retained.find(app)
  }

  upstream(app: string): UpstreamState {
    const known = this.#upstreams.get(app)
    if (known !== undefined) return known
    const bytes = this.database.get(upstreamKey(app))
    const state = bytes === undefined ? nothingOf(app) : orDamaged(() => decodeUpstream(bytes))
    this.#upstreams.set(app, state)
    return state
  }

  /** By name, kept up to date. */
  async readers(app: string): Promise<ReadonlyMap<string, ReaderState>> {
    return await this.#readers.find(app)
  }

  /** Without a head: it is gone, or another kind of key. */
  wroteEntry(text: string, head: EntryHead | undefined): void {
    if (head === undefined) {
      this.#heads.delete(text)
      return
    }
    this.#heads.set(text, head)
    if (this.#heads.size <= ENTRY_HEADS) return
    for (const oldest of this.#heads.keys()) {
      this.#heads.delete(oldest)
      break
    }
  }

  wroteToken(id: TokenId, token: TokenState | undefined): void {
    if (token === undefined) this.#tokens.delete(id)
    else this.#tokens.set(id, token)
  }

  wroteNamed(name: string, session: NamedSession | undefined): void {
    if (session === undefined) this.#named.delete(name)
    else this.#named.set(name, session)
  }

  wroteApp(name: string, app: AppState): void {
    this.#apps.set(name, app)
  }

  wroteUpstream(app: string, state: UpstreamState): void {
    this.#upstreams.set(app, state)
  }

  wroteReader(app: string, reader: string, state: ReaderState | undefined): void {
    const readers = this.#readers.changed(app)
    if (state === undefined) {
      readers?.delete(reader)
      this.#readerGone(app, reader)
    } else {
      readers?.set(reader, state)
    }
  }

  wroteRetained(app: string, index: RetainedIndex): void {
    this.#retained.set(app, index)
  }

  /** Everything is read again. */
  forget(): void {
    this.#pending = undefined
    this.#tokens.clear()
    this.#named.clear()
    this.#heads.clear()
    this.#apps.clear()
    this.#upstreams.clear()
    this.#retained.forget()
    this.#readers.forget()
  }
}
