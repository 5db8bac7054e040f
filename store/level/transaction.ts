/**
 * What the calls of one group read and change. The calls run in sequence, each on the result of the previous ones;
 * nobody else sees any of it until the group is on disk.
 */
import type { LogName, TokenId } from '../contract.ts'
import type { Told } from '../watching.ts'
import type { Write } from './database.ts'
import type { Durable } from './durable.ts'
import type { EntryHead } from './entry.ts'
import { appKey, broadcastLogPrefix, dueKey, PENDING_KEY, privateLogPrefix, tokenKey } from './keys.ts'
import { encodeNumber } from './named-records.ts'
import { type Ending, Log, type LogTransaction, type RemovalCounts } from './log.ts'
import {
  type AppState,
  encodeApp,
  encodeToken,
  type LogState,
  type Mutable,
  NEVER,
  type TokenState,
} from './records.ts'
import type { RetainedIndex } from './retained-index.ts'
import { SessionChanges } from './session-changes.ts'
import { appDueAt, tokenDueAt } from './due.ts'
import { UpstreamChanges } from './upstream-changes.ts'
import { headOf } from './heads.ts'

const NOTHING = Buffer.alloc(0)

/** What must be done in a transaction when an entry of a private or broadcast log ends. */
export interface Endings {
  readonly private: Ending
  readonly broadcast: Ending
}

export class Transaction implements LogTransaction {
  readonly now: number
  readonly #durable: Durable
  readonly #writes = new Map<string, Write>()
  readonly #tokens = new Map<TokenId, TokenState | undefined>()
  readonly #drafts = new Map<TokenId, Mutable<TokenState>>()
  /** Of which more has changed than that their log has grown. */
  readonly #toWrite = new Set<TokenId>()
  readonly #logs = new Map<TokenId, Log>()
  readonly #apps = new Map<string, AppState>()
  #retained: Map<string, RetainedIndex> | undefined
  #prepared: Map<string, RetainedIndex> | undefined
  readonly #told: Told[] = []
  readonly #endings: Endings
  #upstream: UpstreamChanges | undefined
  #sessions: SessionChanges | undefined
  readonly counts: Record<LogName, RemovalCounts> = {
    private: noneRemoved(),
    broadcast: noneRemoved(),
    upstream: noneRemoved(),
    event: noneRemoved(),
    session: noneRemoved(),
  }
  #changes = 0
  /** In private logs, more than have left. */
  #arrived = 0
  #isSynced = false

  constructor(durable: Durable, now: number, endingsOf: (transaction: Transaction) => Endings) {
    this.#durable = durable
    this.#endings = endingsOf(this)
    this.now = now
  }

  /** Made when it is asked for: most groups change nothing of it. */
  get upstream(): UpstreamChanges {
    return (this.#upstream ??= new UpstreamChanges(this, this.#durable))
  }

  /** The same. */
  get sessions(): SessionChanges {
    return (this.#sessions ??= new SessionChanges(this, this.#durable))
  }

  /** See `tokenKeptMs`. */
  get keptMs(): number {
    return this.#durable.keptMs
  }

  // Reading and changing

  get(key: Buffer): Buffer | undefined {
    const write = this.#writes.get(key.toString('latin1'))
    return write === undefined ? this.#durable.database.get(key) : write.value
  }

  put(key: Buffer, value: Buffer): void {
    this.#changes += 1
    this.#writes.set(key.toString('latin1'), { key, value })
  }

  putEntry(key: Buffer, value: Buffer, head: EntryHead): void {
    this.#changes += 1
    this.#writes.set(key.toString('latin1'), { key, value, head })
  }

  entryHead(key: Buffer): EntryHead | undefined {
    const text = key.toString('latin1')
    const write = this.#writes.get(text)
    if (write === undefined) return this.#durable.entryHead(key, text)
    return write.head ?? (write.value && headOf(key, write.value))
  }

  delete(key: Buffer): void {
    this.#changes += 1
    this.#writes.set(key.toString('latin1'), { key, value: undefined })
  }

  /** Keys that begin like this: those that are on disk, as this group has changed it. */
  keysUnder(prefix: Buffer, onDisk: readonly Buffer[]): Buffer[] {
    const text = prefix.toString('latin1')
    const keys = onDisk.filter((key) => !this.#writes.has(key.toString('latin1')))
    for (const [each, { key, value }] of this.#writes) if (value !== undefined && each.startsWith(text)) keys.push(key)
    return keys
  }

  /** Something is to be done about a key at a time. */
  addDue(time: number, key: Buffer): void {
    this.put(dueKey(time, key), NOTHING)
  }

  token(id: TokenId): TokenState | undefined {
    const changed = this.#tokens.get(id)
    return changed === undefined && !this.#tokens.has(id) ? this.#durable.token(id) : changed
  }

  /** Undefined: it is forgotten. */
  setToken(id: TokenId, token: TokenState | undefined): void {
    this.#changes += 1
    this.#tokens.set(id, token)
    this.#toWrite.add(id)
  }

  /** The record, to be changed in place: a copy of `token`, which is what `token(id)` gives. */
  draft(id: TokenId, token: TokenState): Mutable<TokenState> {
    this.#toWrite.add(id)
    return this.#draftOf(id, token)
  }

  /** To the private log of `token`, and nothing else of it has changed: the entries tell (`grown`), and no record is written. */
  appended(id: TokenId, token: TokenState, log: LogState): void {
    this.#draftOf(id, token).log = log
  }

  #draftOf(id: TokenId, token: TokenState): Mutable<TokenState> {
    this.#changes += 1
    const known = this.#drafts.get(id)
    if (known === token) return known
    const draft = { ...token }
    this.#drafts.set(id, draft)
    this.#tokens.set(id, draft)
    return draft
  }

  /** The private log of `token`, which is what `token(id)` gives: its state belongs into the record when it changed. */
  privateLog(id: TokenId, token: TokenState): Log {
    const known = this.#logs.get(id)
    if (known?.state === token.log) return known
    const log = new Log(this, 'private', privateLogPrefix(id), token.log, this.#endings.private)
    this.#logs.set(id, log)
    return log
  }

  /** The broadcast log of `app`, which is what `app(name)` gives. */
  broadcastLog(name: string, app: AppState): Log {
    return new Log(this, 'broadcast', broadcastLogPrefix(name), app.log, this.#endings.broadcast)
  }

  app(name: string): AppState {
    return this.#apps.get(name) ?? this.#durable.app(name)
  }

  setApp(name: string, app: AppState): void {
    this.#changes += 1
    this.#apps.set(name, app)
  }

  /** Has to come before a call that asks for them. */
  async prepareRetained(app: string): Promise<void> {
    this.#prepared ??= new Map()
    this.#prepared.set(app, await this.#durable.retained(app))
  }

  retained(app: string): RetainedIndex {
    const index = this.#retained?.get(app) ?? this.#prepared?.get(app)
    if (index === undefined) throw new Error('the retained broadcasts were not prepared')
    return index
  }

  setRetained(app: string, index: RetainedIndex): void {
    this.#changes += 1
    this.#retained ??= new Map()
    this.#retained.set(app, index)
  }

  /** What the watchers hear when it is on disk. */
  tell(told: Told): void {
    this.#changes += 1
    this.#told.push(told)
  }

  /** A crash of the machine must not undo it, though its call allows that for what it mostly does. */
  sync(): void {
    this.#isSynced = true
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  /** How much was changed so far: a call that throws may not have changed anything before. */
  get changes(): number {
    return this.#changes
  }

  // The group

  /** What goes to disk. */
  writes(): Map<string, Write> {
    for (const [id, token] of this.#tokens) this.#writeToken(id, token)
    this.#writePending()
    for (const [name, app] of this.#apps) this.#writeApp(name, app)
    this.#upstream?.write()
    this.#sessions?.write()
    return this.#writes
  }

  /** It is on disk: everybody may see it. Returns what the watchers are to hear. */
  publish(): readonly Told[] {
    for (const [text, { head }] of this.#writes) this.#durable.wroteEntry(text, head)
    for (const [id, token] of this.#tokens) this.#durable.wroteToken(id, token)
    if (this.#arrived !== 0) this.#durable.wrotePending(this.#pending)
    for (const [name, app] of this.#apps) this.#durable.wroteApp(name, app)
    for (const [app, index] of this.#retained ?? []) this.#durable.wroteRetained(app, index)
    this.#upstream?.publish()
    this.#sessions?.publish()
    return this.#told
  }

  #writeToken(id: TokenId, changed: TokenState | undefined): void {
    const key = tokenKey(id)
    const known = this.#durable.token(id)
    const before = known?.visitAt ?? 0
    this.#arrived += (changed?.log.count ?? 0) - (known?.log.count ?? 0)
    if (changed === undefined) {
      if (before > 0) this.delete(dueKey(before, key))
      return this.delete(key)
    }
    const visitAt = this.schedule(key, before, changed.visitAt, tokenDueAt(changed, this.keptMs, this.now))
    const token = visitAt === changed.visitAt ? changed : { ...changed, visitAt }
    this.#tokens.set(id, token)
    if (visitAt !== changed.visitAt || this.#toWrite.has(id)) this.put(key, encodeToken(token))
  }

  get #pending(): number {
    return Math.max(0, this.#durable.pending + this.#arrived)
  }

  #writePending(): void {
    if (this.#arrived !== 0) this.put(PENDING_KEY, encodeNumber(this.#pending))
  }

  #writeApp(name: string, changed: AppState): void {
    const key = appKey(name)
    const before = this.#durable.app(name).visitAt
    const visitAt = this.schedule(key, before, changed.visitAt, appDueAt(changed))
    const app = visitAt === changed.visitAt ? changed : { ...changed, visitAt }
    this.#apps.set(name, app)
    this.put(key, encodeApp(app))
  }

  /**
   * One due key a record. It is moved to an earlier time at once, and to a later one only when it is reached (a sweep
   * sets `visitAt` to 0), so that an append and its acknowledgement need not touch it.
   */
  schedule(key: Buffer, before: number, visitAt: number, dueAt: number): number {
    const next = visitAt > 0 && visitAt <= dueAt ? visitAt : dueAt
    if (next === before) return next
    if (before > 0) this.delete(dueKey(before, key))
    if (next >= NEVER) return 0
    this.put(dueKey(next, key), NOTHING)
    return next
  }
}

function noneRemoved(): RemovalCounts {
  return { expired: 0, dropped: 0, replaced: 0, recalled: 0, purged: 0 }
}
