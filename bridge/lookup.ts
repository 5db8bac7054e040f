/** What is pending for a device: its private log and its app's broadcast log, as one page. */
import type { BroadcastEntry, Cursors, LogEntry, LogSlice, Store } from '../store/contract.ts'
import type { KnownDevice } from './authenticate.ts'
import { createBroadcastReader } from './broadcast-reader.ts'
import type { Selections } from '../topics/index.ts'
import type { HttpLimits } from './limits.ts'

export interface PageEntry {
  readonly log: 'private' | 'broadcast'
  readonly entry: LogEntry
}

export interface Page {
  readonly entries: readonly PageEntry[]
  /** Where acknowledging the page moves the device to. */
  readonly cursors: Cursors
  /** More is pending, or may be: acknowledge, and look up again. */
  readonly more: boolean
}

export interface Pages {
  /** The first entries after the acknowledged ones; nothing is acknowledged by it. */
  read(known: KnownDevice, limit: number): Promise<Page>
}

export function createPages(store: Store, limits: HttpLimits, selections: Selections): Pages {
  const bytes = limits.lookupBytes
  const broadcasts = createBroadcastReader(store, bytes, limits.lookupScan, selections)

  return {
    async read({ device, record: { cursors } }, limit) {
      const [own, shared] = await Promise.all([
        store.readPrivate(device.tokenId, cursors.private, { entries: limit, bytes }),
        // Which broadcasts are for a token without a version, nobody knows: it gets them over MQTT, by subscribing.
        device.version === undefined
          ? nothingAfter(cursors.broadcast)
          : broadcasts.read(device.app, cursors.broadcast, device.version, { entries: limit, bytes }),
      ])
      return pageOf(own, shared, cursors, limit)
    },
  }
}

function nothingAfter(offset: number): LogSlice<BroadcastEntry> {
  return { entries: [], readTo: offset, end: offset }
}

function pageOf(own: LogSlice<LogEntry>, shared: LogSlice<BroadcastEntry>, from: Cursors, limit: number): Page {
  const entries: PageEntry[] = []
  let nextOwn = 0
  let nextShared = 0
  while (entries.length < limit) {
    const a = own.entries[nextOwn]
    const b = shared.entries[nextShared]
    if (a !== undefined && (b === undefined || a.storedAt <= b.storedAt)) {
      entries.push({ log: 'private', entry: a })
      nextOwn++
    } else if (b !== undefined) {
      entries.push({ log: 'broadcast', entry: b })
      nextShared++
    } else break
  }
  const cursors = {
    private: positionAfter(own, nextOwn, from.private),
    broadcast: positionAfter(shared, nextShared, from.broadcast),
  }
  return { entries, cursors, more: cursors.private < own.end || cursors.broadcast < shared.end }
}

/** Where a log stands when its first `taken` entries are in the page. */
function positionAfter(slice: LogSlice<LogEntry>, taken: number, from: number): number {
  if (taken === slice.entries.length) return Math.max(slice.readTo, from)
  return taken === 0 ? from : (slice.entries[taken - 1]?.offset ?? from)
}
