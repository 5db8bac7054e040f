/** Broadcast logs: one an app. */
import { PushError } from '../../errors.ts'
import { decodeSelector, encodeSelector, selects } from '../../topics/index.ts'
import type { Appended, BroadcastAppend, BroadcastEntry, LogSlice, ReadLimit } from '../contract.ts'
import { type Context, del, look, put, rememberId, seenAt } from './context.ts'
import type { Operation } from './group-commit.ts'
import {
  broadcastIdKey,
  broadcastKey,
  broadcastLogKey,
  expiryKey,
  parseRetainedBroadcastKey,
  retainedBroadcastKey,
  retainedBroadcastRange,
} from './keys.ts'
import {
  type BroadcastRow,
  decodeBroadcastEntry,
  decodeBroadcastLog,
  encodeBroadcastEntry,
  encodeBroadcastLog,
} from './values.ts'

/** A retained broadcast, without its payload. */
interface Retained {
  readonly offset: number
  readonly expiresAt: number
  /** It clears the topics it selects, and is kept where an older one selects some of them too. */
  readonly empty: boolean
}

interface Log extends BroadcastRow {
  readonly app: string
  /** Offset up to which the log is on disk. */
  written: number
  /** Payload bytes of entries that are not on disk yet. */
  readonly unwritten: Map<number, number>
  readonly gone: Set<number>
  readonly retained: Map<string, Retained>
}

const NOTHING = Buffer.alloc(0)
const CHUNK = 64

export class BroadcastLog {
  readonly #context: Context
  readonly #wake: (app: string, entry: BroadcastEntry) => void
  readonly #logs = new Map<string, Promise<Log>>()

  constructor(context: Context, wake: (app: string, entry: BroadcastEntry) => void) {
    this.#context = context
    this.#wake = wake
  }

  clear(): void {
    this.#logs.clear()
  }

  /** The highest offset on disk. */
  async end(app: string): Promise<number> {
    return (await this.#log(app)).written
  }

  async append({ app, selector, message, dedupe }: BroadcastAppend): Promise<Appended> {
    const log = await this.#log(app)
    const idKey = broadcastIdKey(app, message.id)
    const earlier = dedupe ? seenAt(this.#context, idKey) : undefined
    if (earlier !== undefined) {
      await this.#context.commits.write([], true)
      return { offset: earlier, duplicate: true, dropped: 0 }
    }
    const entry: BroadcastEntry = { ...message, selector, offset: log.lastOffset + 1 }
    const operations: Operation[] = []
    if (message.retain) this.#retain(log, entry, operations)
    const until = Math.max(this.#context.now() + this.#context.limits.dedupeMs, entry.expiresAt)
    const remembered = dedupe ? rememberId(this.#context, idKey, entry.offset, until, operations) : undefined
    const dropped = this.#add(log, entry, operations)
    try {
      await this.#context.commits.write(operations, true)
    } finally {
      remembered?.()
      log.unwritten.delete(entry.offset)
    }
    log.written = Math.max(log.written, entry.offset)
    if (dropped > 0) this.#context.observer.dropped('broadcast', dropped)
    this.#wake(app, entry)
    return { offset: entry.offset, duplicate: false, dropped }
  }

  async read(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    const log = await this.#log(app)
    const end = log.written
    const from = Math.max(after, log.first - 1)
    if (from >= end || log.count === 0) return { entries: [], readTo: Math.max(after, end), end }
    const now = this.#context.now()
    const entries: BroadcastEntry[] = []
    let bytes = 0
    let readTo = from
    const iterator = this.#context.database.values({ gt: broadcastKey(app, from), lte: broadcastKey(app, end) })
    try {
      for (;;) {
        const chunk = await iterator.nextv(Math.min(limit.entries + 1, CHUNK))
        if (chunk.length === 0) return { entries, readTo: Math.max(after, end), end }
        for (const value of chunk) {
          const entry = decodeBroadcastEntry(value)
          const live = entry.expiresAt > now
          const full =
            entries.length >= limit.entries || (entries.length > 0 && bytes + entry.payload.byteLength > limit.bytes)
          if (live && full) return { entries, readTo: Math.max(after, readTo), end }
          readTo = entry.offset
          if (!live) continue
          entries.push(entry)
          bytes += entry.payload.byteLength
        }
      }
    } catch (cause) {
      throw new PushError('STORE_UNAVAILABLE', 'the embedded store cannot read', { cause })
    } finally {
      await iterator.close()
    }
  }

  async retained(app: string, version: string): Promise<BroadcastEntry | undefined> {
    const log = await this.#log(app)
    const now = this.#context.now()
    let last: { selector: string; offset: number; empty: boolean } | undefined
    for (const [selector, { offset, expiresAt, empty }] of log.retained) {
      if (expiresAt > now && offset > (last?.offset ?? 0) && selects(decodeSelector(selector), version))
        last = { selector, offset, empty }
    }
    if (last === undefined || last.empty) return undefined
    const value = look(this.#context.database, retainedBroadcastKey(app, last.selector))
    return value === undefined ? undefined : decodeBroadcastEntry(value)
  }

  /** Takes an entry out that has expired; false when it is gone already, or not expired. */
  async expire(app: string, offset: number, now: number, operations: Operation[]): Promise<boolean> {
    const log = await this.#log(app)
    const value = look(this.#context.database, broadcastKey(app, offset))
    if (value === undefined || offset < log.first || decodeBroadcastEntry(value).expiresAt > now) return false
    if (!this.#remove(log, offset, operations)) return false
    log.gone.add(offset)
    operations.push(put(broadcastLogKey(app), encodeBroadcastLog(log)))
    return true
  }

  async expireRetained(app: string, selector: string, now: number, operations: Operation[]): Promise<void> {
    const log = await this.#log(app)
    const retained = log.retained.get(selector)
    if (retained === undefined || retained.expiresAt > now) return
    log.retained.delete(selector)
    operations.push(del(retainedBroadcastKey(app, selector)))
  }

  #log(app: string): Promise<Log> {
    const known = this.#logs.get(app)
    if (known !== undefined) return known
    const loading = this.#load(app)
    this.#logs.set(app, loading)
    loading.catch(() => this.#logs.delete(app))
    return loading
  }

  async #load(app: string): Promise<Log> {
    const value = look(this.#context.database, broadcastLogKey(app))
    const row = value === undefined ? { lastOffset: 0, first: 1, count: 0, bytes: 0 } : decodeBroadcastLog(value)
    const retained = new Map<string, Retained>()
    try {
      for await (const [key, kept] of this.#context.database.iterator(retainedBroadcastRange(app))) {
        const { offset, expiresAt, payload } = decodeBroadcastEntry(kept)
        retained.set(parseRetainedBroadcastKey(key).selector, { offset, expiresAt, empty: payload.byteLength === 0 })
      }
    } catch (cause) {
      throw new PushError('STORE_UNAVAILABLE', 'the embedded store cannot read', { cause })
    }
    return { ...row, app, written: row.lastOffset, unwritten: new Map(), gone: new Set(), retained }
  }

  #add(log: Log, entry: BroadcastEntry, operations: Operation[]): number {
    const size = entry.payload.byteLength
    const dropped = this.#makeRoom(log, size, operations)
    log.lastOffset = entry.offset
    log.count++
    log.bytes += size
    log.unwritten.set(entry.offset, size)
    const key = broadcastKey(log.app, entry.offset)
    operations.push(
      put(key, encodeBroadcastEntry(entry)),
      put(expiryKey(entry.expiresAt, key), NOTHING),
      put(broadcastLogKey(log.app), encodeBroadcastLog(log)),
    )
    return dropped
  }

  /** @throws RETAINED_LIMIT before anything is changed */
  #retain(log: Log, entry: BroadcastEntry, operations: Operation[]): void {
    const selector = encodeSelector(entry.selector)
    const empty = entry.payload.byteLength === 0
    const clears =
      empty && (entry.selector.kind === 'all' || [...log.retained.keys()].every((each) => each === selector))
    if (clears) {
      for (const each of log.retained.keys()) operations.push(del(retainedBroadcastKey(log.app, each)))
      log.retained.clear()
      return
    }
    if (!log.retained.has(selector) && log.retained.size >= this.#context.limits.retainedBroadcasts)
      throw new PushError('RETAINED_LIMIT')
    const { offset, expiresAt } = entry
    const key = retainedBroadcastKey(log.app, selector)
    log.retained.set(selector, { offset, expiresAt, empty })
    operations.push(put(key, encodeBroadcastEntry(entry)), put(expiryKey(expiresAt, key), NOTHING))
  }

  #makeRoom(log: Log, size: number, operations: Operation[]): number {
    const { broadcastMessages, broadcastBytes } = this.#context.limits
    let dropped = 0
    while (log.count > 0 && (log.count >= broadcastMessages || log.bytes + size > broadcastBytes)) {
      if (log.first > log.lastOffset) break
      if (this.#remove(log, log.first, operations)) dropped++
      log.first++
    }
    return dropped
  }

  #remove(log: Log, offset: number, operations: Operation[]): boolean {
    if (log.gone.has(offset)) return false
    const key = broadcastKey(log.app, offset)
    const unwritten = log.unwritten.get(offset)
    let size = unwritten
    if (unwritten === undefined) {
      const value = look(this.#context.database, key)
      if (value === undefined) return false
      const entry = decodeBroadcastEntry(value)
      size = entry.payload.byteLength
      operations.push(del(expiryKey(entry.expiresAt, key)))
    } else {
      log.unwritten.delete(offset)
    }
    operations.push(del(key))
    log.count = Math.max(0, log.count - 1)
    log.bytes = Math.max(0, log.bytes - (size ?? 0))
    return true
  }

  /** The removals of a sweep are on disk. */
  settled(): void {
    for (const loading of this.#logs.values())
      void loading.then(
        (log) => log.gone.clear(),
        () => undefined,
      )
  }
}
