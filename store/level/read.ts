/** Reading a stretch of a log. */
import type { LogEntry, LogSlice, ReadLimit } from '../contract.ts'
import { type Database, orDamaged } from './database.ts'
import { entryKey } from './keys.ts'
import type { LogState } from './records.ts'
import { FOLLOWED } from './entry.ts'
import { headOf } from './heads.ts'

/**
 * Up to this many entries and bytes are read one by one, which costs 3 us each; an iterator costs 100 us and a turn of
 * the thread pool.
 */
const LOOK_UPS = 32
const LOOK_UP_BYTES = 64 * 1024
/** Entries, and bytes, that an iterator fetches at a time. */
const CHUNK = 256
const CHUNK_BYTES = 256 * 1024

interface Stretch<E> {
  readonly prefix: Buffer
  readonly log: LogState
  readonly after: number
  readonly limit: ReadLimit
  readonly now: number
  /** Absent: all of them are. */
  readonly isPending?: (offset: number) => boolean
  /** Undefined: it is gone by now. */
  readonly decode: (bytes: Buffer) => E | undefined
}

/** An empty read does not touch the disk. */
export async function readLog<E extends LogEntry>(database: Database, stretch: Stretch<E>): Promise<LogSlice<E>> {
  const { prefix, log, limit } = stretch
  const end = log.last
  const from = Math.max(stretch.after + 1, log.head)
  if (log.count === 0 || from > end) return { entries: [], readTo: Math.max(stretch.after, end), end }
  const slice = new Slice(stretch)
  const wanted = Math.min(limit.entries, end - from + 1)
  const few = wanted <= LOOK_UPS && (log.bytes / log.count) * wanted <= LOOK_UP_BYTES
  const next = few ? lookUp(database, prefix, from, Math.min(end, from + LOOK_UPS - 1), slice) : from
  if (!slice.full && next <= end) {
    const range = { gte: entryKey(prefix, next), lt: entryKey(prefix, end + 1) }
    const chunk = { count: Math.min(limit.entries, CHUNK), bytes: Math.min(limit.bytes, CHUNK_BYTES) }
    await database.scan(range, chunk, (bytes) => orDamaged(() => slice.take(bytes)))
  }
  const readTo = slice.full ? slice.readTo : end
  const { entries, expired } = slice
  return expired === undefined ? { entries, readTo, end } : { entries, readTo, end, expired }
}

/** Returns where to go on. */
function lookUp<E extends LogEntry>(
  database: Database,
  prefix: Buffer,
  from: number,
  to: number,
  slice: Slice<E>,
): number {
  for (let offset = from; offset <= to; offset += 1) {
    const bytes = database.get(entryKey(prefix, offset))
    if (bytes !== undefined && !orDamaged(() => slice.take(bytes))) return offset
  }
  return to + 1
}

/** What a read gathers. */
class Slice<E extends LogEntry> {
  readonly entries: E[] = []
  full = false
  readTo: number
  /** Followed ones of a private log. */
  expired: number[] | undefined
  readonly #stretch: Stretch<E>
  #bytes = 0

  constructor(stretch: Stretch<E>) {
    this.#stretch = stretch
    this.readTo = stretch.after
  }

  /** False if it is full, with this one or without it. */
  take(bytes: Buffer): boolean {
    const { prefix, limit, now, decode, isPending } = this.#stretch
    const { offset, expiresAt, payloadBytes, marks } = headOf(prefix, bytes)
    if (expiresAt <= now) {
      if ((marks & FOLLOWED) !== 0 && isPending?.(offset) === true) (this.expired ??= []).push(offset)
    } else if (isPending?.(offset) !== false) {
      if (this.entries.length > 0 && this.#bytes + payloadBytes > limit.bytes) {
        this.full = true
        return false
      }
      const entry = decode(bytes)
      if (entry !== undefined) {
        this.#bytes += payloadBytes
        this.entries.push(entry)
      }
    }
    this.readTo = offset
    this.full = this.entries.length >= limit.entries
    return !this.full
  }
}
