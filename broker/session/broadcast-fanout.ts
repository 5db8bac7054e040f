/**
 * An app's broadcast log as one node sees it: read once, however many devices here need it. Devices that have caught
 * up get a new entry straight from its wake; the others read behind, from the tail kept here or from the store.
 */
import type { Logger } from 'pino'
import type { BroadcastEntry, LogSlice, ReadLimit, Store } from '../../store/contract.ts'
import type { Selections, TagTest } from '../../topics/index.ts'
import type { Turns } from '../../common/turns.ts'

/** A session as this file sees it. */
export interface BroadcastListener {
  /** New entries for this version, in order; the listener decides whether it has caught up and has room. */
  broadcastsArrived(arrivals: readonly Arrival[], version: string): void
  /** There is more to read. */
  broadcastGrew(): void
}

/** Encoded packets of one entry under one topic, by everything else that makes them differ (sender.ts). */
export type PacketCache = Map<number, Buffer>

export interface Arrival {
  readonly entry: BroadcastEntry
  readonly packets: PacketCache
  /** Whose tags it is for; absent: whatever they are. */
  readonly isFor: TagTest | undefined
}

const TAIL_ENTRIES = 256
const TAIL_BYTES = 4 * 1024 * 1024
const READ: ReadLimit = { entries: 100, bytes: 1024 * 1024 }
/** Entries that are handed on together: each device gets them in one write. */
const TOGETHER = 64
/** What it costs to hand an entry to a device, in units of `Turns`. */
const DELIVERY = 2

/** What the fan-outs of one node share. */
export interface FanoutContext {
  readonly store: Store
  readonly logger: Logger
  readonly selections: Selections
  readonly turns: Turns
}

export class BroadcastFanout {
  readonly app: string
  readonly #store: Store
  readonly #logger: Logger
  readonly #selections: Selections
  readonly #turns: Turns
  readonly #byVersion = new Map<string, Set<BroadcastListener>>()
  /** Every listener that has read up to here knows all there is; undefined before the first read. */
  #end: number | undefined
  /** Entries up to here have been handed to all listeners that had caught up. */
  #handed = 0
  #target = 0
  #advancing = false
  /** Work that was not counted yet. */
  #spent = 0
  #tail: BroadcastEntry[] = []
  #tailBytes = 0
  /** The tail holds every entry after this offset, up to `#end`. */
  #tailFrom = 0
  readonly #arrived = new Map<number, BroadcastEntry>()

  constructor(app: string, { store, logger, selections, turns }: FanoutContext) {
    this.app = app
    this.#store = store
    this.#logger = logger
    this.#selections = selections
    this.#turns = turns
  }

  get idle(): boolean {
    return this.#byVersion.size === 0
  }

  get handed(): number {
    return this.#handed
  }

  /** A listener whose reading has come to here has caught up. */
  hasCaughtUp(readTo: number): boolean {
    return this.#end !== undefined && readTo >= this.#end
  }

  add(version: string, listener: BroadcastListener): void {
    const listeners = this.#byVersion.get(version)
    if (listeners === undefined) this.#byVersion.set(version, new Set([listener]))
    else listeners.add(listener)
  }

  remove(version: string, listener: BroadcastListener): void {
    const listeners = this.#byVersion.get(version)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#byVersion.delete(version)
  }

  async read(after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    const known = this.#end
    if (known !== undefined && after >= this.#tailFrom) return this.#readTail(after, known, limit)
    const slice = await this.#store.readBroadcast(this.app, after, limit)
    if (this.#end === undefined) this.#begin(slice.end)
    else if (known !== undefined) this.#mayBeginAnew(slice.end, known)
    return slice
  }

  /** The first of these versions that an entry is for, as far as tags allow. */
  match({ selector }: BroadcastEntry, versions: Iterable<string>): string | undefined {
    const before = this.#selections.work
    const test = this.#selections.versionTest(selector)
    let match: string | undefined
    for (const version of versions) {
      if (!test(version)) continue
      match = version
      break
    }
    this.#spent += this.#selections.work - before
    return match
  }

  /** Whose tags an entry is for; undefined: whatever they are. */
  tagTest({ selector }: BroadcastEntry): TagTest | undefined {
    if (selector.tags === undefined) return undefined
    const before = this.#selections.work
    const test = this.#selections.tagTest(selector)
    this.#spent += this.#selections.work - before
    return test
  }

  /** What to wait for before there is more to match, where a slice of work is used up; `units` is work besides. */
  turn(units = 0): Promise<void> | undefined {
    const spent = this.#spent + units
    this.#spent = 0
    return this.#turns.take(this.app, spent)
  }

  /** A wake, which may be late, doubled, or without its entry. */
  woken(offset: number, entry: BroadcastEntry | undefined): void {
    this.#target = Math.max(this.#target, offset)
    if (this.#end === undefined || offset <= this.#end) return
    if (entry !== undefined && this.#arrived.size < TAIL_ENTRIES) this.#arrived.set(offset, entry)
    this.#advance()
  }

  /** Looks into the log, in case a wake was lost. */
  async check(): Promise<void> {
    const known = this.#end
    if (known === undefined) return
    const { end } = await this.#store.readBroadcast(this.app, known, { entries: 1, bytes: 1 })
    this.#mayBeginAnew(end, known)
    this.woken(end, undefined)
  }

  /** A log that ends before what was known of it was lost: nothing is left up to there, and what comes is above it. */
  #mayBeginAnew(end: number, known: number): void {
    if (end >= known) return
    this.#tail = []
    this.#tailBytes = 0
    if (this.#target <= known) this.#target = end
    this.#begin(end)
  }

  #begin(end: number): void {
    this.#end = end
    this.#handed = end
    this.#tailFrom = end
    if (this.#target > end) this.#advance()
  }

  #readTail(after: number, end: number, limit: ReadLimit): LogSlice<BroadcastEntry> {
    const entries: BroadcastEntry[] = []
    let bytes = 0
    for (const entry of this.#tail) {
      if (entry.offset <= after) continue
      if (entries.length >= limit.entries || (entries.length > 0 && bytes + entry.payload.byteLength > limit.bytes)) {
        return { entries, readTo: entries.at(-1)?.offset ?? after, end }
      }
      entries.push(entry)
      bytes += entry.payload.byteLength
    }
    return { entries, readTo: Math.max(after, end), end }
  }

  /** Moves the end forward, handing each entry to those who have caught up. */
  #advance(): void {
    if (this.#advancing || this.#end === undefined) return
    this.#advancing = true
    this.#advanceFrom(this.#end)
      .catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'could not read a broadcast log, trying again at the next wake or sweep'),
      )
      .finally(() => {
        this.#advancing = false
      })
  }

  async #advanceFrom(end: number): Promise<void> {
    // A wake seldom comes alone: those of one batch of the store are told one after the other.
    await Promise.resolve()
    for (let at = end; at < this.#target; at = this.#end ?? at) {
      const arrived = this.#takeArrived(at)
      const last = arrived.at(-1)
      if (last !== undefined) await this.#hand(arrived, last.offset)
      else await this.#readAhead(at)
    }
  }

  /** Those that came with their wake and follow on `after` without a gap. */
  #takeArrived(after: number): BroadcastEntry[] {
    const entries: BroadcastEntry[] = []
    while (entries.length < TOGETHER) {
      const next = this.#arrived.get(after + 1 + entries.length)
      if (next === undefined) break
      this.#arrived.delete(next.offset)
      entries.push(next)
    }
    return entries
  }

  async #readAhead(after: number): Promise<void> {
    const slice = await this.#store.readBroadcast(this.app, after, READ)
    // The wake named an offset that is not there any more: expired, or dropped from a full log.
    const readTo = slice.readTo > after ? slice.readTo : Math.max(this.#target, after)
    await this.#hand(slice.entries, readTo)
  }

  async #hand(entries: readonly BroadcastEntry[], readTo: number): Promise<void> {
    for (const entry of entries) this.#keep(entry)
    this.#end = Math.max(this.#end ?? 0, readTo)
    for (const [version, listeners] of this.#byVersion) {
      const arrivals = entries
        .filter((entry) => this.match(entry, [version]) !== undefined)
        .map((entry) => ({ entry, packets: new Map<number, Buffer>(), isFor: this.tagTest(entry) }))
      if (arrivals.length === 0) {
        const waiting = this.turn()
        if (waiting !== undefined) await waiting
        continue
      }
      for (const listener of listeners) {
        this.#handTo(listener, arrivals, version)
        const waiting = this.turn(arrivals.length * DELIVERY)
        if (waiting === undefined) continue
        // What was encoded is of this moment: remaining lifetimes are in it.
        for (const { packets } of arrivals) packets.clear()
        await waiting
      }
    }
    this.#handed = this.#end
    for (const offset of this.#arrived.keys()) if (offset <= this.#end) this.#arrived.delete(offset)
  }

  /** A fault with one device must not make the others pass these entries: that one reads them from the log. */
  #handTo(listener: BroadcastListener, arrivals: readonly Arrival[], version: string): void {
    try {
      listener.broadcastsArrived(arrivals, version)
    } catch (error) {
      this.#logger.error({ err: error }, 'could not hand a broadcast to a device, which will read it again')
      listener.broadcastGrew()
    }
  }

  #keep(entry: BroadcastEntry): void {
    this.#tail.push(entry)
    this.#tailBytes += entry.payload.byteLength
    while (this.#tail.length > TAIL_ENTRIES || (this.#tailBytes > TAIL_BYTES && this.#tail.length > 1)) {
      const oldest = this.#tail.shift()
      if (oldest === undefined) return
      this.#tailBytes -= oldest.payload.byteLength
      this.#tailFrom = oldest.offset
    }
  }
}
