/** Reads broadcast logs for many devices at once. */
import type { BroadcastEntry, LogSlice, ReadLimit, Store } from '../store/contract.ts'
import type { Selections } from '../topics/index.ts'

interface BroadcastLookup {
  /** The entries for this reader after an offset. What others get is passed over, up to a limit. */
  read(app: string, after: number, reader: Reader, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>>
}

/** What decides which broadcasts are for a device. */
export interface Reader {
  readonly version: string
  readonly tags: readonly string[]
}

/** Entries a read of the store: the same for every reader, so that reads can be shared. */
const CHUNK = 100

/**
 * A broadcast wakes every long poll of its app in one turn, and most of them are at the same place of the log: those
 * share one read of the store.
 *
 * @param scan entries that one call goes through at most
 */
export function createBroadcastLookup(
  store: Pick<Store, 'readBroadcast'>,
  bytes: number,
  scan: number,
  selections: Selections,
): BroadcastLookup {
  const starting = new Map<string, Promise<LogSlice<BroadcastEntry>>>()

  function shared(app: string, after: number): Promise<LogSlice<BroadcastEntry>> {
    const key = `${app}/${after}`
    const known = starting.get(key)
    if (known !== undefined) return known
    const slice = start(key, app, after)
    starting.set(key, slice)
    return slice
  }

  /** Joined only until the read begins: a later reader may have been woken by an entry that this one does not see. */
  async function start(key: string, app: string, after: number): Promise<LogSlice<BroadcastEntry>> {
    await new Promise((resolve) => setImmediate(resolve))
    starting.delete(key)
    return store.readBroadcast(app, after, { entries: CHUNK, bytes })
  }

  return {
    async read(app, after, { version, tags }, limit) {
      const entries: BroadcastEntry[] = []
      let size = 0
      let scanned = 0
      let slice: LogSlice<BroadcastEntry>
      let readTo = after
      do {
        slice = await shared(app, readTo)
        for (const entry of slice.entries) {
          if (!selections.selects(entry.selector, version, tags)) continue
          entries.push(entry)
          size += entry.payload.byteLength
        }
        readTo = slice.readTo
        scanned += slice.entries.length
      } while (readTo < slice.end && entries.length < limit.entries && size < limit.bytes && scanned < scan)
      const { end, droppedThrough = 0 } = slice
      return { entries, readTo, end, droppedThrough }
    },
  }
}
