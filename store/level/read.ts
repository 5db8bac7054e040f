/** Reading a stretch of a log. */
import type { LogEntry, LogSlice, ReadLimit } from '../contract.ts'
import type { Database } from './database.ts'
import { orDamaged } from './durable.ts'
import { readHead } from './entry.ts'
import { entryKey } from './keys.ts'
import type { LogState } from './records.ts'

/** Up to so many entries are looked up one by one: cheaper than an iterator, whose work is done in the thread pool. */
const LOOK_UPS = 8
/** Entries, and bytes, that an iterator fetches at a time. */
const CHUNK = 256
const CHUNK_BYTES = 256 * 1024

export interface Stretch<E> {
  readonly prefix: Buffer
  readonly log: LogState
  readonly after: number
  readonly limit: ReadLimit
  readonly now: number
  readonly decode: (bytes: Buffer) => E
}

/** An empty read does not touch the disk. */
export async function readLog<E extends LogEntry>(database: Database, stretch: Stretch<E>): Promise<LogSlice<E>> {
  const { prefix, log, limit } = stretch
  const end = log.last
  const from = Math.max(stretch.after + 1, log.head)
  if (log.count === 0 || from > end) return { entries: [], readTo: Math.max(stretch.after, end), end }
  const slice = new Slice(stretch)
  if (end - from < LOOK_UPS) {
    for (let offset = from; offset <= end; offset += 1) {
      const bytes = database.get(entryKey(prefix, offset))
      if (bytes !== undefined && !orDamaged(() => slice.take(bytes))) break
    }
  } else {
    const range = { gte: entryKey(prefix, from), lt: entryKey(prefix, end + 1) }
    const chunk = { count: Math.min(limit.entries + 1, CHUNK), bytes: Math.min(limit.bytes + 1_024, CHUNK_BYTES) }
    await database.scan(range, chunk, (bytes) => orDamaged(() => slice.take(bytes)))
  }
  return { entries: slice.entries, readTo: slice.full ? slice.readTo : end, end }
}

class Slice<E extends LogEntry> {
  readonly entries: E[] = []
  full = false
  readTo: number
  readonly #stretch: Stretch<E>
  #bytes = 0

  constructor(stretch: Stretch<E>) {
    this.#stretch = stretch
    this.readTo = stretch.after
  }

  /** False: this one does not fit any more. */
  take(bytes: Buffer): boolean {
    const { limit, now, decode } = this.#stretch
    const { offset, expiresAt, payloadBytes } = readHead(bytes)
    if (expiresAt > now) {
      const { length } = this.entries
      this.full = length >= limit.entries || (length > 0 && this.#bytes + payloadBytes > limit.bytes)
      if (this.full) return false
      this.#bytes += payloadBytes
      this.entries.push(decode(bytes))
    }
    this.readTo = offset
    return true
  }
}
