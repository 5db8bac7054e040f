/** What a transaction changes of upstream logs and of their readers. */
import { appOfEventLog, isGroupLog, type TokenId } from '../contract.ts'
import { upstreamDueAt } from './due.ts'
import type { Durable } from './durable.ts'
import type { EntryHead } from './entry.ts'
import { floorOf, raiseFloor } from './floor.ts'
import { dueKey, readerKey, retainedUpstreamPrefix, startingWith, upstreamKey, upstreamLogPrefix } from './keys.ts'
import { type Ending, Log, type LogTransaction } from './log.ts'
import { emptyLog, type Mutable, type TokenState, type UpstreamUse } from './records.ts'
import {
  encodeReader,
  encodeUpstream,
  isNothing,
  nothingOf,
  type ReaderState,
  type UpstreamState,
} from './upstream-records.ts'

/** A transaction as this file sees it. */
interface ChangedTransaction extends LogTransaction {
  get(key: Buffer): Buffer | undefined
  put(key: Buffer, value: Buffer): void
  keysUnder(prefix: Buffer, onDisk: readonly Buffer[]): Buffer[]
  token(id: TokenId): TokenState | undefined
  draft(id: TokenId, token: TokenState): Mutable<TokenState>
  schedule(key: Buffer, before: number, visitAt: number, dueAt: number): number
}

/** What one token id may retain has a limit, so that a scan of it has one. */
const MOST_RETAINED = 100_000
const NOTHING: UpstreamUse = { unread: 0, unreadBytes: 0, retained: 0 }

export class UpstreamChanges {
  readonly #transaction: ChangedTransaction
  readonly #durable: Durable
  readonly #states = new Map<string, UpstreamState>()
  readonly #logs = new Map<string, Log>()
  readonly #readers = new Map<string, Readers>()
  readonly #retained = new Map<TokenId, readonly Buffer[]>()
  readonly #ending: Ending = { ended: (head) => this.#removed(head) }

  constructor(transaction: ChangedTransaction, durable: Durable) {
    this.#transaction = transaction
    this.#durable = durable
  }

  of(app: string): UpstreamState {
    return this.#states.get(app) ?? this.#durable.upstream(app)
  }

  /** The same; one that is new begins above everything that was forgotten. */
  begun(app: string): UpstreamState {
    const state = this.of(app)
    return isNothing(state) ? { ...state, log: emptyLog(floorOf(this.#transaction).offset) } : state
  }

  set(app: string, state: UpstreamState): void {
    this.#states.set(app, state)
  }

  /** The log of `state`, which is what `of(app)` gives: its own state belongs into it when it changed. */
  log(app: string, state: UpstreamState): Log {
    const known = this.#logs.get(app)
    if (known?.state === state.log) return known
    const prefix = upstreamLogPrefix(app)
    const log =
      appOfEventLog(app) === undefined
        ? new Log(this.#transaction, 'upstream', prefix, state.log, this.#ending)
        : new Log(this.#transaction, isGroupLog(app) ? 'session' : 'event', prefix, state.log)
    this.#logs.set(app, log)
    return log
  }

  /** Adds to what a token id has, which is known. */
  use(tokenId: TokenId, token: TokenState, more: Partial<UpstreamUse>): void {
    const before = token.upstream ?? NOTHING
    const unread = Math.max(0, before.unread + (more.unread ?? 0))
    const unreadBytes = Math.max(0, before.unreadBytes + (more.unreadBytes ?? 0))
    const retained = Math.max(0, before.retained + (more.retained ?? 0))
    this.#transaction.draft(tokenId, token).upstream =
      unread === 0 && retained === 0 ? undefined : { unread, unreadBytes, retained }
  }

  #removed({ owner = '', payloadBytes }: EntryHead): void {
    const token = this.#transaction.token(owner)
    if (token?.upstream !== undefined) this.use(owner, token, { unread: -1, unreadBytes: -payloadBytes })
  }

  // Readers

  /** Has to come before a call that asks for them. */
  async prepareReaders(app: string): Promise<void> {
    if (!this.#readers.has(app)) this.#readers.set(app, new Readers(await this.#durable.readers(app)))
  }

  readers(app: string): Pick<Readers, 'get' | 'all'> {
    return this.#readersOf(app)
  }

  /** Undefined: it is gone. */
  setReader(app: string, reader: string, state: ReaderState | undefined): void {
    this.#readersOf(app).changed.set(reader, state)
    const key = readerKey(app, reader)
    if (state === undefined) this.#transaction.delete(key)
    else this.#transaction.put(key, encodeReader(state))
  }

  #readersOf(app: string): Readers {
    const readers = this.#readers.get(app)
    if (readers === undefined) throw new Error('the readers of the app were not prepared')
    return readers
  }

  // Retained messages

  /** Has to come before a call that asks for all that a token id retains. */
  async prepareRetained(tokenId: TokenId): Promise<void> {
    const token = this.#durable.token(tokenId)
    if (token === undefined || (token.upstream?.retained ?? 0) === 0) return
    const range = startingWith(retainedUpstreamPrefix(token.app, tokenId))
    this.#retained.set(tokenId, await this.#durable.database.keys(range, MOST_RETAINED))
  }

  retainedKeys(tokenId: TokenId, { app }: TokenState): Buffer[] {
    return this.#transaction.keysUnder(retainedUpstreamPrefix(app, tokenId), this.#retained.get(tokenId) ?? [])
  }

  // The group

  write(): void {
    for (const [app, state] of this.#states) this.#write(app, state)
  }

  publish(): void {
    for (const [app, state] of this.#states) this.#durable.wroteUpstream(app, state)
    for (const [app, { changed }] of this.#readers) {
      for (const [reader, state] of changed) this.#durable.wroteReader(app, reader, state)
    }
  }

  #write(app: string, changed: UpstreamState): void {
    const transaction = this.#transaction
    const key = upstreamKey(app)
    const before = this.#durable.upstream(app).visitAt
    if (changed.lastEnd === 0 && changed.log.count === 0) {
      if (before > 0) transaction.delete(dueKey(before, key))
      transaction.delete(key)
      raiseFloor(transaction, { offset: changed.log.last })
      this.#states.set(app, nothingOf(app))
      return
    }
    const visitAt = transaction.schedule(key, before, changed.visitAt, upstreamDueAt(changed, transaction.now))
    const state = visitAt === changed.visitAt ? changed : { ...changed, visitAt }
    this.#states.set(app, state)
    transaction.put(key, encodeUpstream(state))
  }
}

/** The readers of an app, as the group has changed them. */
class Readers {
  readonly changed = new Map<string, ReaderState | undefined>()
  readonly #before: ReadonlyMap<string, ReaderState>

  constructor(before: ReadonlyMap<string, ReaderState>) {
    this.#before = before
  }

  get(reader: string): ReaderState | undefined {
    return this.changed.has(reader) ? this.changed.get(reader) : this.#before.get(reader)
  }

  *all(): Iterable<[string, ReaderState]> {
    for (const entry of this.#before) if (!this.changed.has(entry[0])) yield entry
    for (const [reader, state] of this.changed) if (state !== undefined) yield [reader, state]
  }
}
