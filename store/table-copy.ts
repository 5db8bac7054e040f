/**
 * A copy of a small table in this process. It follows the changes, and polls so often that a decision is based on data
 * at most a second old. If the store does not answer, the copy becomes outdated and reports so.
 */
import type { TableChange, TableRow, TableStore, Watcher } from './contract.ts'
import { Ends } from './ends.ts'

export type FollowedStore = Pick<TableStore, 'tableEnd' | 'readRows' | 'readChanges'> & {
  watch(watcher: Watcher): () => void
}

interface TableCopyOptions<T> {
  readonly store: FollowedStore
  readonly table: string
  /** Undefined: a row of another version; it is ignored and reported. */
  readonly decode: (key: string, value: Uint8Array) => T | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  /**
   * A row changed. `value` is undefined if it is gone: it has expired if there is no `previous`, otherwise it was
   * removed. Must not throw.
   */
  readonly changed?: (key: string, value: T | undefined, previous?: T) => void
  /** The table could not be polled, or a row could not be read. */
  readonly failed: (error: unknown) => void
}

interface Known<T> {
  readonly value: T
  readonly version: number
  readonly expiresAt: number
}

/** It is checked this often, ms. */
const LOOK_MS = 400
/** Maximum age for decisions, ms. */
const FRESH_MS = 1_000
/** A wall clock that goes back by more than this was wrong before, ms. */
const SET_BACK_MS = 1_000
/** Of one answer. */
const TOGETHER = 1_000

export class TableCopy<T> {
  readonly #options: TableCopyOptions<T>
  readonly #rows = new Map<string, Known<T>>()
  /** Of rows that are there, and of some that were written again since. */
  readonly #ends = new Ends()
  #at = 0
  /** By the wall clock, when it was looked at last. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #confirmedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #stopWatching: () => void = () => undefined
  #isClosed = false

  constructor(options: TableCopyOptions<T>) {
    this.#options = options
  }

  /** Resolves when all of it is here. @throws STORE_UNAVAILABLE */
  async open(): Promise<void> {
    const look = (): void => this.#look()
    const nothing = (): void => undefined
    await this.#readAll()
    this.#stopWatching = this.#options.store.watch({
      privateAppended: nothing,
      broadcastAppended: nothing,
      sessionEnded: nothing,
      cursorMoved: nothing,
      cursorsLost: nothing,
      tableChanged: (table) => void (table === this.#options.table && look()),
      resync: look,
    })
    this.#timer = setInterval(look, LOOK_MS).unref()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#stopWatching()
  }

  /** Whether the copy is at most a second old. */
  get isFresh(): boolean {
    return this.#options.monotonic() - this.#confirmedAt <= FRESH_MS
  }

  /**
   * What to await until it is at most a second old, if anything.
   * @throws STORE_UNAVAILABLE (rejects)
   */
  fresh(): Promise<void> | undefined {
    return this.isFresh ? undefined : this.refresh()
  }

  get(key: string): T | undefined {
    const known = this.#rows.get(key)
    return known !== undefined && known.expiresAt > this.#options.now() ? known.value : undefined
  }

  /** Those that have not expired, in any order. */
  *entries(): IterableIterator<readonly [key: string, value: T]> {
    const now = this.#options.now()
    for (const [key, { value, expiresAt }] of this.#rows) if (expiresAt > now) yield [key, value]
  }

  /** Has what was written before the call. @throws STORE_UNAVAILABLE */
  async refresh(): Promise<void> {
    // One that is under way may have looked before.
    await this.#reading?.catch(() => undefined)
    await this.#read()
  }

  #look(): void {
    if (this.#reading === undefined && !this.#isClosed)
      this.#read().catch((error: unknown) => this.#options.failed(error))
  }

  #read(): Promise<void> {
    this.#reading ??= this.#follow().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #follow(): Promise<void> {
    const { store, table, monotonic } = this.#options
    const askedAt = monotonic()
    if (this.#wasSetBack()) return await this.#readAll()
    if ((await store.tableEnd(table)) !== this.#at) {
      for (;;) {
        const slice = await store.readChanges(table, this.#at, TOGETHER)
        if (slice === undefined) return await this.#readAll()
        for (const change of slice.changes) this.#take(change)
        this.#at = slice.readTo
        if (slice.readTo >= slice.end) break
      }
    }
    this.#confirmedAt = askedAt
    this.#forgetExpired()
  }

  /** Rows may have gone from here that have not ended, as it seems now. */
  #wasSetBack(): boolean {
    const before = this.#lookedAt
    this.#lookedAt = this.#options.now()
    return this.#lookedAt < before - SET_BACK_MS
  }

  /** What is not there any more goes. */
  async #readAll(): Promise<void> {
    const { store, table, monotonic } = this.#options
    const askedAt = monotonic()
    // What changes meanwhile is read again.
    const end = await store.tableEnd(table)
    const found = new Set<string>()
    for (let after = ''; ; ) {
      const rows = await store.readRows(table, after, TOGETHER)
      for (const row of rows) {
        found.add(row.key)
        this.#take({ key: row.key, version: row.version, row })
      }
      const last = rows.at(-1)
      if (last === undefined) break
      after = last.key
    }
    for (const key of this.#rows.keys()) if (!found.has(key)) this.#remove(key)
    this.#at = end
    this.#confirmedAt = askedAt
  }

  #take({ key, version, row }: TableChange): void {
    const known = this.#rows.get(key)
    if (known?.version === version) return
    const value = row && this.#decode(row)
    if (row === undefined || value === undefined) return this.#remove(key)
    this.#rows.set(key, { value, version, expiresAt: row.expiresAt })
    this.#ends.add(key, row.expiresAt)
    this.#options.changed?.(key, value, known?.value)
  }

  #decode({ key, value }: TableRow): T | undefined {
    const decoded = this.#options.decode(key, value)
    if (decoded === undefined) this.#options.failed(new Error(`a row of ${this.#options.table} cannot be read here`))
    return decoded
  }

  #remove(key: string): void {
    const known = this.#rows.get(key)
    if (!this.#rows.delete(key)) return
    const hasEnded = known === undefined || known.expiresAt <= this.#options.now()
    this.#options.changed?.(key, undefined, hasEnded ? undefined : known.value)
  }

  #forgetExpired(): void {
    const now = this.#options.now()
    for (const key of this.#ends.take(now)) if ((this.#rows.get(key)?.expiresAt ?? Infinity) <= now) this.#remove(key)
  }
}
