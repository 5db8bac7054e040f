/** A page of what is pending for a device, from its private log and its app's broadcast log. */
import type { BroadcastEntry, Cursors, LogEntry, LogSlice, ReadLimit, Store, TokenId } from '../store/contract.ts'
import { acknowledgedUnder, standing } from '../store/marks.ts'
import type { Selections } from '../topics/index.ts'
import type { KnownDevice } from './authenticate.ts'
import { createBroadcastLookup, type Reader } from './broadcast-lookup.ts'
import { MOST_LISTED, type PageCursor } from './page-cursor.ts'
import type { HttpLimits } from './limits.ts'

export interface PageEntry {
  readonly log: 'private' | 'broadcast'
  readonly entry: LogEntry
  /** What was lost before it because the log was full: a number, or that there was something. Absent: nothing. */
  readonly missed?: number | true | undefined
}

export interface Page {
  readonly entries: readonly PageEntry[]
  /** The commit that acknowledges the page. */
  readonly cursor: PageCursor
  /** More is pending, or may be: acknowledge and look up again. */
  readonly more: boolean
  /** The highest offsets of the logs. */
  readonly ends: { readonly private: number; readonly broadcast: number }
  /** What acknowledging the first so many of its entries says. */
  cursorAfter(count: number): PageCursor
}

/** Where a page begins that goes on after others, of which nothing has been acknowledged yet. */
export interface PageStart {
  /** As if all of them had been. */
  readonly cursors: Cursors
  /** What a cursor has room for besides what they have in it: expired messages of the private log. */
  readonly room: number
}

/** The reader of the page. */
export interface PageOwner {
  readonly device: Pick<KnownDevice['device'], 'app' | 'tokenId' | 'version'>
  readonly record: KnownDevice['record']
}

export interface Pages {
  /**
   * The first entries after the acknowledged ones, or after `start`; acknowledges nothing.
   * @param handsOut false: somebody else than the device reads them
   */
  read(owner: PageOwner, limit: number, start?: PageStart, handsOut?: boolean): Promise<Page>
}

export function createPages(store: Store, limits: HttpLimits, selections: Selections): Pages {
  const bytes = limits.lookupBytes
  const broadcasts = createBroadcastLookup(store, bytes, limits.lookupScan, selections)

  /**
   * Without entries acknowledged under another version; starts with those that were too large for an MQTT connection.
   */
  async function pendingBroadcasts(
    { device, record }: PageOwner,
    cursors: Cursors,
    limit: ReadLimit,
  ): Promise<Pending<BroadcastEntry>> {
    const { app, version } = device
    // Which broadcasts are for a token without a version, nobody knows: it gets them over MQTT, by subscribing.
    if (version === undefined) return nothingAfter(cursors.broadcast)
    const reader = { version, tags: record.details.tags }
    const offsets = cursors.marks?.skippedBroadcast ?? []
    const skips = await skippedBroadcasts(app, offsets, reader, limit.entries)
    const from = standing(cursors, version)
    const slice = await broadcasts.read(app, from, reader, limit)
    const fresh = slice.entries.filter(({ offset, selector }) => {
      if (offsets.includes(offset)) return false
      const under = acknowledgedUnder(cursors, offset, version)
      return !under.some((other) => selections.selectsVersion(selector, other))
    })
    const isStillFor = await tagsStill(device.tokenId, [...skips.entries, ...fresh])
    const skipped = skips.entries.filter(isStillFor)
    const entries = [...skipped, ...fresh.filter(isStillFor)]
    const { isWhole, passed } = skips
    const missedSome = (slice.droppedThrough ?? 0) > standing(record.cursors, version) ? true : undefined
    return { ...slice, entries, skipped: skipped.length, passed, from, isWhole, missedSome }
  }

  /** What was skipped and is for this reader; `passed` is what its tags do not select, which is over. */
  async function skippedBroadcasts(app: string, offsets: readonly number[], { version, tags }: Reader, most: number) {
    const entries: BroadcastEntry[] = []
    const passed: number[] = []
    let looked = 0
    for (; looked < offsets.length && entries.length < most; looked++) {
      const offset = offsets[looked] ?? 0
      const [entry] = (await store.readBroadcast(app, offset - 1, { entries: 1, bytes: 1 })).entries
      if (entry?.offset !== offset) continue
      if (!selections.selectsTags(entry.selector, tags)) passed.push(offset)
      else if (selections.selectsVersion(entry.selector, version)) entries.push(entry)
    }
    return { entries, passed, isWhole: looked === offsets.length }
  }

  /** What was stored after a tag was taken back is not for the device, though it had the tag when its request came. */
  async function tagsStill(
    tokenId: string,
    entries: readonly BroadcastEntry[],
  ): Promise<(entry: BroadcastEntry) => boolean> {
    if (entries.every(({ selector }) => selector.tags === undefined)) return () => true
    const record = await store.lookupToken(tokenId)
    return ({ selector }) => selections.selectsTags(selector, record?.details.tags)
  }

  async function pendingOwn(
    { device, record }: PageOwner,
    cursors: Cursors,
    limit: ReadLimit,
    handsOut: boolean,
  ): Promise<Pending<LogEntry>> {
    const { tokenId } = device
    const from = cursors.private
    const [first] = cursors.marks?.skippedPrivate ?? []
    if (first !== undefined && from > record.cursors.private) return await skippedOwn(tokenId, cursors, limit)
    const after = first === undefined ? from : Math.min(first - 1, from)
    const slice = await store.readPrivate(tokenId, after, limit, { handsOut })
    return {
      ...slice,
      skipped: slice.entries.filter(({ offset }) => offset <= from).length,
      from,
      passed: [],
      isWhole: true,
      missedSome: slice.missed?.count,
    }
  }

  /** One by one, because they may lie between entries that are in flight. */
  async function skippedOwn(tokenId: TokenId, cursors: Cursors, limit: ReadLimit): Promise<Pending<LogEntry>> {
    const from = cursors.private
    const entries: LogEntry[] = []
    const passed: number[] = []
    const offsets = cursors.marks?.skippedPrivate.slice(0, limit.entries) ?? []
    for (const each of offsets) {
      const slice = await store.readPrivate(tokenId, each - 1, { entries: 1, bytes: 1 }, { handsOut: true })
      const [entry] = slice.entries
      if (entry?.offset === each) entries.push(entry)
      else passed.push(each)
    }
    return { entries, readTo: from, end: from, skipped: entries.length, passed, from, isWhole: false }
  }

  return {
    async read(owner, limit, start = { cursors: owner.record.cursors, room: MOST_LISTED }, handsOut = true) {
      const { cursors, room } = start
      const most = { entries: limit, bytes }
      const [own, shared] = await Promise.all([
        pendingOwn(owner, cursors, most, handsOut),
        pendingBroadcasts(owner, cursors, most),
      ])
      return pageOf(endingBefore(own, room), shared, limit)
    },
  }
}

/** Of one log: the first entries are below the cursor, where they were skipped; the others follow on `from`. */
interface Pending<E extends LogEntry> extends LogSlice<E> {
  readonly skipped: number
  /** Skipped before, and not for the device: acknowledging the page passes it. */
  readonly passed: readonly number[]
  readonly from: number
  /** All that was skipped was looked at. */
  readonly isWhole: boolean
  readonly missedSome?: number | true | undefined
}

function nothingAfter(offset: number): Pending<BroadcastEntry> {
  return { entries: [], readTo: offset, end: offset, skipped: 0, passed: [], from: offset, isWhole: true }
}

/** A cursor has room for so many that have expired: the log ends before the next one. */
function endingBefore(own: Pending<LogEntry>, room: number): Pending<LogEntry> {
  const next = own.expired?.filter((offset) => offset > own.from)[room]
  if (next === undefined) return own
  const entries = own.entries.filter(({ offset }) => offset < next)
  return { ...own, entries, readTo: Math.min(own.readTo, next - 1), isWhole: false }
}

function pageOf(own: Pending<LogEntry>, shared: Pending<LogEntry>, limit: number): Page {
  const entries: PageEntry[] = []
  let nextOwn = 0
  let nextShared = 0
  while (entries.length < limit) {
    const a = own.entries[nextOwn]
    const b = shared.entries[nextShared]
    if (a !== undefined && (b === undefined || a.storedAt <= b.storedAt)) {
      entries.push({ log: 'private', entry: a, missed: own.missedSome })
      nextOwn++
    } else if (b !== undefined) {
      entries.push({ log: 'broadcast', entry: b, missed: shared.missedSome })
      nextShared++
    } else break
  }
  const cursorAfter = (count: number) => {
    const ofOwn = entries.slice(0, count).filter(({ log }) => log === 'private').length
    return cursorOf(own, ofOwn, shared, Math.min(count, entries.length) - ofOwn)
  }
  return {
    entries,
    cursor: cursorAfter(entries.length),
    more: isMore(own, nextOwn) || isMore(shared, nextShared),
    ends: { private: own.end, broadcast: shared.end },
    cursorAfter,
  }
}

function cursorOf(
  own: Pending<LogEntry>,
  takenOwn: number,
  shared: Pending<LogEntry>,
  takenShared: number,
): PageCursor {
  const position = positionAfter(own, takenOwn)
  return {
    private: position,
    broadcast: positionAfter(shared, takenShared),
    taken: { private: skippedAmong(own, takenOwn), broadcast: skippedAmong(shared, takenShared) },
    messages: { private: takenOwn, broadcast: takenShared },
    expired: (own.expired ?? []).filter((offset) => offset > own.from && offset <= position),
    counted: shared.entries
      .slice(0, takenShared)
      .filter(({ isFollowed }) => isFollowed === true)
      .map(({ offset }) => offset)
      .slice(0, MOST_LISTED),
  }
}

/** Where a log stands when its first `taken` entries are in the page. */
function positionAfter({ entries, readTo, from, skipped }: Pending<LogEntry>, taken: number): number {
  if (taken === entries.length) return Math.max(readTo, from)
  return taken <= skipped ? from : (entries[taken - 1]?.offset ?? from)
}

function skippedAmong({ entries, skipped, passed }: Pending<LogEntry>, taken: number): number[] {
  return [...entries.slice(0, Math.min(taken, skipped)).map(({ offset }) => offset), ...passed]
}

function isMore({ entries, readTo, end, isWhole }: Pending<LogEntry>, taken: number): boolean {
  return taken < entries.length || readTo < end || !isWhole
}
