/** The last entries of an app's broadcast log that a node has read, each with the time it was last seen in the log. */
import type { BroadcastEntry, LogSlice, ReadLimit } from '../../store/contract.ts'

/** What a node holds of a broadcast log. */
export interface HeldSlice extends LogSlice<BroadcastEntry> {
  /** All of it was in the log then, monotonic. */
  readonly since: number
}

interface Kept {
  readonly entry: BroadcastEntry
  since: number
}

const TAIL_ENTRIES = 256
const TAIL_BYTES = 4 * 1024 * 1024

export class BroadcastTail {
  #kept: Kept[] = []
  #bytes = 0
  /** It holds every entry after this offset. */
  #from = 0

  get from(): number {
    return this.#from
  }

  begin(from: number): void {
    this.#kept = []
    this.#bytes = 0
    this.#from = from
  }

  add(entry: BroadcastEntry, since: number): void {
    this.#kept.push({ entry, since })
    this.#bytes += entry.payload.byteLength
    while (this.#kept.length > TAIL_ENTRIES || (this.#bytes > TAIL_BYTES && this.#kept.length > 1)) {
      const oldest = this.#kept.shift()
      if (oldest === undefined) return
      this.#bytes -= oldest.entry.payload.byteLength
      this.#from = oldest.entry.offset
    }
  }

  /** `end`: of what was handed out. */
  read(after: number, end: number, limit: ReadLimit): HeldSlice {
    const entries: BroadcastEntry[] = []
    let bytes = 0
    let since = Number.POSITIVE_INFINITY
    for (const kept of this.#kept) {
      const { entry } = kept
      if (entry.offset <= after) continue
      if (entries.length >= limit.entries || (entries.length > 0 && bytes + entry.payload.byteLength > limit.bytes)) {
        return { entries, readTo: entries.at(-1)?.offset ?? after, end, since }
      }
      entries.push(entry)
      bytes += entry.payload.byteLength
      since = Math.min(since, kept.since)
    }
    return { entries, readTo: Math.max(after, end), end, since }
  }

  remove(offset: number): void {
    const at = this.#kept.findIndex(({ entry }) => entry.offset === offset)
    const [kept] = at < 0 ? [] : this.#kept.splice(at, 1)
    if (kept !== undefined) this.#bytes -= kept.entry.payload.byteLength
  }

  /** The log was read after an offset. Returns what is here and was not there any more. */
  seen(after: number, { entries, readTo, since }: HeldSlice): number[] {
    const there = new Set(entries.map(({ offset }) => offset))
    const gone: number[] = []
    for (const kept of this.#kept) {
      const { offset } = kept.entry
      if (offset <= after || offset > readTo) continue
      if (there.has(offset)) kept.since = since
      else gone.push(offset)
    }
    return gone
  }
}
