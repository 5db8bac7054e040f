/**
 * An app's broadcast log on one node: read once, however many devices need it. Devices that have caught up get a new
 * entry straight from its wake; the others read from the tail kept here, or from the store.
 *
 * A second after a recall was answered, no node sends the broadcast any longer. The wake of the recall may be lost, so
 * an entry that was last seen in the log more than `HELD_MS` ago is looked up again before it is sent.
 */
import type { Logger } from 'pino'
import type { BroadcastEntry, LogSlice, ReadLimit, Store } from '../../store/contract.ts'
import type { Selections, TagTest } from '../../topics/index.ts'
import type { Turns } from '../../common/turns.ts'
import { BroadcastTail, type HeldSlice } from './broadcast-tail.ts'
import { RemovedBroadcasts } from './removed-broadcasts.ts'
import { TellQueue } from './tell-queue.ts'

/** A session as this file sees it. */
export interface BroadcastListener {
  /** New entries for this version, in order; the listener decides whether it has caught up and has room. */
  broadcastsArrived(arrivals: readonly Arrival[], version: string): void
  /** There is more to read. */
  broadcastGrew(): void
  /** For now or never. */
  broadcastTold(arrival: Arrival, version: string): void
}

/** Encoded packets of one entry under one topic, by everything else that makes them differ (sender.ts). */
export type PacketCache = Map<number, Buffer>

export interface Arrival {
  readonly entry: BroadcastEntry
  readonly packets: PacketCache
  /** Whose tags it is for; absent: whatever they are. */
  readonly isFor: TagTest | undefined
}

/** Of what is held here, ms. Less than the second that is promised, by what a turn of the event loop may take. */
const HELD_MS = 800
/** A store that takes longer than that to answer is asked so often, before what it said is taken. */
const LOOKS = 3
/** Entries that came with their wakes and wait for those before them. */
const MOST_ARRIVED = 256
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
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  /** One for now or never is not sent: too many wait. */
  readonly untold: () => void
}

interface Held {
  readonly entry: BroadcastEntry
  readonly since: number
}

export class BroadcastFanout {
  readonly app: string
  readonly #store: Store
  readonly #logger: Logger
  readonly #selections: Selections
  readonly #turns: Turns
  readonly #now: () => number
  readonly #monotonic: () => number
  readonly #told: TellQueue
  readonly #byVersion = new Map<string, Set<BroadcastListener>>()
  /** Every listener that has read up to here knows all there is; undefined before the first read. */
  #end: number | undefined
  /** Entries up to here have been handed to all listeners that had caught up. */
  #handed = 0
  #target = 0
  #advancing = false
  /** Work that was not counted yet. */
  #spent = 0
  /** Up to `#end`. */
  readonly #tail = new BroadcastTail()
  readonly #arrived = new Map<number, Held>()
  readonly #removed: RemovedBroadcasts
  #droppedThrough = 0
  #looking: Promise<void> | undefined

  constructor(app: string, context: FanoutContext) {
    const { store, logger, selections, turns, now, monotonic, untold } = context
    this.app = app
    this.#store = store
    this.#logger = logger
    this.#selections = selections
    this.#turns = turns
    this.#now = now
    this.#monotonic = monotonic
    this.#removed = new RemovedBroadcasts(monotonic)
    this.#told = new TellQueue({
      tell: (entry) => this.#tell(entry),
      dropped: untold,
      failed: (error) => logger.error({ err: error }, 'could not deliver a broadcast with ttl 0'),
    })
  }

  get idle(): boolean {
    return this.#byVersion.size === 0
  }

  get handed(): number {
    return this.#handed
  }

  /** As far as is known, see `LogSlice`. */
  get droppedThrough(): number {
    return this.#droppedThrough
  }

  /** What was seen in the log then, and not removed since, may be sent now. */
  isFresh(since: number): boolean {
    return this.#monotonic() - since < HELD_MS
  }

  /** It was recalled or replaced: nobody is to start sending it. */
  isRemoved(offset: number): boolean {
    return this.#removed.has(offset)
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

  async read(after: number, limit: ReadLimit): Promise<HeldSlice> {
    for (let looks = 0; looks < LOOKS; looks++) {
      const known = this.#end
      if (known === undefined || after < this.#tail.from) break
      const slice = this.#tail.read(after, known, limit)
      if (this.isFresh(slice.since)) return slice
      await this.#lookAgain(after)
    }
    const known = this.#end
    const slice = await this.#readLog(after, limit)
    if (this.#end === undefined) this.#begin(slice.end)
    else if (known !== undefined) this.#mayBeginAnew(slice.end, known)
    return slice
  }

  async #readLog(after: number, limit: ReadLimit): Promise<HeldSlice> {
    for (let looks = 1; ; looks++) {
      const since = this.#monotonic()
      const slice = await this.#store.readBroadcast(this.app, after, limit)
      if (!this.isFresh(since) && looks < LOOKS) continue
      this.#note(slice)
      return { ...slice, since }
    }
  }

  #note({ droppedThrough = 0 }: LogSlice<BroadcastEntry>): void {
    this.#droppedThrough = Math.max(this.#droppedThrough, droppedThrough)
  }

  /** Whether what is held after an offset is still in the log; one look at a time, for all who need it. */
  #lookAgain(after: number): Promise<void> {
    this.#looking ??= this.#readLog(after, READ)
      .then((slice) => {
        for (const offset of this.#tail.seen(after, slice)) this.removed(offset)
      })
      .finally(() => (this.#looking = undefined))
    return this.#looking
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
    if (offset === 0) {
      if (entry !== undefined && !this.idle) this.#told.add(entry)
      return
    }
    this.#target = Math.max(this.#target, offset)
    if (this.#end === undefined || offset <= this.#end) return
    // A node that stood still hears late, and what was recalled meanwhile lies further back in what it hears. Where clocks
    // differ, that costs a read.
    if (entry !== undefined && this.#arrived.size < MOST_ARRIVED && Math.abs(this.#now() - entry.storedAt) < HELD_MS)
      this.#arrived.set(offset, { entry, since: this.#monotonic() })
    this.#advance()
  }

  /** Of a wake, or since it is not in the log any more. */
  removed(offset: number): void {
    this.#removed.add(offset)
    this.#tail.remove(offset)
    this.#arrived.delete(offset)
  }

  /** Looks into the log, in case a wake was lost. */
  async check(): Promise<void> {
    const known = this.#end
    if (known === undefined) return
    const slice = await this.#store.readBroadcast(this.app, known, { entries: 1, bytes: 1 })
    const { end } = slice
    this.#note(slice)
    this.#mayBeginAnew(end, known)
    this.woken(end, undefined)
  }

  /** A log that ends before what was known of it was lost: nothing is left up to there, and what comes is above it. */
  #mayBeginAnew(end: number, known: number): void {
    if (end >= known) return
    this.#droppedThrough = 0
    if (this.#target <= known) this.#target = end
    this.#begin(end)
  }

  #begin(end: number): void {
    this.#end = end
    this.#handed = end
    this.#tail.begin(end)
    if (this.#target > end) this.#advance()
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
      const since = Math.min(...arrived.map((each) => each.since))
      if (last !== undefined)
        await this.#hand(
          arrived.map(({ entry }) => entry),
          last.entry.offset,
          since,
        )
      else await this.#readAhead(at)
    }
  }

  /** Those that came with their wake and follow on `after` without a gap. */
  #takeArrived(after: number): Held[] {
    const taken: Held[] = []
    while (taken.length < TOGETHER) {
      const next = this.#arrived.get(after + 1 + taken.length)
      if (next === undefined) break
      this.#arrived.delete(next.entry.offset)
      if (!this.isFresh(next.since)) break
      taken.push(next)
    }
    return taken
  }

  async #readAhead(after: number): Promise<void> {
    const slice = await this.#readLog(after, READ)
    // The wake named an offset that is not there any more: expired, or dropped from a full log.
    const readTo = slice.readTo > after ? slice.readTo : Math.max(this.#target, after)
    await this.#hand(slice.entries, readTo, slice.since)
  }

  /** `seenAt`: all of them were in the log then. */
  async #hand(entries: readonly BroadcastEntry[], readTo: number, seenAt: number): Promise<void> {
    const after = this.#end ?? 0
    let since = seenAt
    for (const entry of entries) if (!this.isRemoved(entry.offset)) this.#tail.add(entry, since)
    this.#end = Math.max(after, readTo)
    for (const [version, listeners] of this.#byVersion) {
      let arrivals = this.#arrivalsFor(entries, version)
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
        if (!this.isFresh(since)) since = await this.#lookFor(entries, after)
        arrivals = arrivals.filter(({ entry }) => !this.isRemoved(entry.offset))
      }
    }
    this.#handed = this.#end
    for (const offset of this.#arrived.keys()) if (offset <= this.#end) this.#arrived.delete(offset)
  }

  #arrivalsFor(entries: readonly BroadcastEntry[], version: string): Arrival[] {
    return entries
      .filter((entry) => !this.isRemoved(entry.offset) && this.match(entry, [version]) !== undefined)
      .map((entry) => ({ entry, packets: new Map<number, Buffer>(), isFor: this.tagTest(entry) }))
  }

  /** Whether they are still in the log. Returns when they were. */
  async #lookFor(entries: readonly BroadcastEntry[], after: number): Promise<number> {
    const bytes = entries.reduce((sum, { payload }) => sum + payload.byteLength, 0)
    const slice = await this.#readLog(after, { entries: entries.length, bytes })
    const there = new Set(slice.entries.map(({ offset }) => offset))
    for (const { offset } of entries) if (offset <= slice.readTo && !there.has(offset)) this.removed(offset)
    return slice.since
  }

  async #tell(entry: BroadcastEntry): Promise<void> {
    const isFor = this.tagTest(entry)
    for (const [version, listeners] of this.#byVersion) {
      if (this.match(entry, [version]) === undefined) continue
      const arrival = { entry, packets: new Map<number, Buffer>(), isFor }
      for (const listener of listeners) {
        this.#safely(listener, () => listener.broadcastTold(arrival, version))
        const waiting = this.turn(DELIVERY)
        if (waiting !== undefined) await waiting
      }
    }
  }

  /** A fault with one device must not make the others pass these entries: that one reads them from the log. */
  #handTo(listener: BroadcastListener, arrivals: readonly Arrival[], version: string): void {
    this.#safely(listener, () => listener.broadcastsArrived(arrivals, version))
  }

  #safely(listener: BroadcastListener, hand: () => void): void {
    try {
      hand()
    } catch (error) {
      this.#logger.error({ err: error }, 'could not hand a broadcast to a device; the device will read it from the log')
      listener.broadcastGrew()
    }
  }
}
