/** What is kept of an upstream log and of its readers, and how that is written. Each value begins with its version. */
import { appOfEventLog, isGroupLog } from '../contract.ts'
import { clamp, ValueReader, ValueWriter } from './bytes.ts'
import { emptyLog, type LogState, NEVER, readLog, writeLog } from './records.ts'
import type { Run } from './runs.ts'

/** A range of offsets in which this many messages were dropped because the log was full. */
export interface Dropped {
  readonly from: number
  readonly to: number
  readonly count: number
}

export interface UpstreamState extends Standing {
  readonly log: LogState
  /** Ascending; only what a reader has not passed. */
  readonly dropped: readonly Dropped[]
  readonly visitAt: number
}

/** How all readers together stand, so that an append looks at none of them. */
export interface Standing {
  /** No reader has a cursor below this one: everything up to it goes. 0 where an event log has no reader. */
  readonly lowest: number
  /** No reader ends before this time. */
  readonly nextEnd: number
  /** The last reader ends at this time; 0 if there is none. */
  readonly lastEnd: number
}

export interface ReaderState {
  readonly cursor: number
  readonly expiresAt: number
  /** Messages that were dropped before it passed them, up to its cursor, and that it has not been told of. */
  readonly missed: number
  /** It was told of all that was dropped up to here. */
  readonly toldTo: number
  /** Beyond the cursor. */
  readonly settled: readonly Run[]
}

export const NO_READERS: Standing = { lowest: NEVER, nextEnd: NEVER, lastEnd: 0 }

const NO_UPSTREAM: UpstreamState = { ...NO_READERS, log: emptyLog(0), dropped: [], visitAt: 0 }
const NO_EVENTS: UpstreamState = { ...NO_UPSTREAM, lowest: 0 }

/** Of a log that nobody reads, and that has nothing in it. */
export function nothingOf(log: string): UpstreamState {
  return keepsUnread(log) ? NO_EVENTS : NO_UPSTREAM
}

export function isNothing(state: UpstreamState): boolean {
  return state === NO_UPSTREAM || state === NO_EVENTS
}

/** An event log keeps receipts also while nobody reads it. */
export function keepsUnread(log: string): boolean {
  return appOfEventLog(log) !== undefined && !isGroupLog(log)
}

/** Of more, two become one, and what was missed of it is known less exactly. */
const MOST_DROPPED = 32

export function isRead({ lastEnd }: Standing, now: number): boolean {
  return lastEnd > now
}

/** Everything that is read to its end is to go. */
export function hasRest({ log, lowest }: UpstreamState): boolean {
  return log.count > 0 && log.head <= lowest
}

export function standingOf(log: string, readers: Iterable<ReaderState>): Standing {
  let standing: Standing = nothingOf(log)
  for (const reader of readers) standing = withReader(standing, reader)
  const { lowest, nextEnd, lastEnd } = standing
  return { lowest, nextEnd, lastEnd }
}

export function withReader({ lowest, nextEnd, lastEnd }: Standing, { cursor, expiresAt }: ReaderState): Standing {
  return {
    lowest: lastEnd === 0 ? cursor : Math.min(lowest, cursor),
    nextEnd: Math.min(nextEnd, expiresAt),
    lastEnd: Math.max(lastEnd, expiresAt),
  }
}

export function withDropped(dropped: readonly Dropped[], offset: number): readonly Dropped[] {
  const last = dropped.at(-1)
  if (last?.to === offset - 1) return [...dropped.slice(0, -1), { ...last, to: offset, count: last.count + 1 }]
  const all = [...dropped, { from: offset, to: offset, count: 1 }]
  const [first, second] = all
  if (all.length <= MOST_DROPPED || first === undefined || second === undefined) return all
  return [{ from: first.from, to: second.to, count: first.count + second.count }, ...all.slice(2)]
}

/** How many were dropped after an offset, up to another one. */
export function droppedBetween(dropped: readonly Dropped[], after: number, through: number): number {
  let sum = 0
  for (const { from, to, count } of dropped) {
    const offsets = Math.min(to, through) - Math.max(from - 1, after)
    if (offsets > 0) sum += Math.min(count, offsets)
  }
  return sum
}

const VERSION = 1
const NUMBER_BYTES = 8

export function encodeUpstream({ log, lowest, nextEnd, lastEnd, dropped, visitAt }: UpstreamState): Buffer {
  const out = new ValueWriter((12 + 3 * dropped.length) * NUMBER_BYTES)
    .byte(VERSION)
    .wide(clamp(lowest))
    .wide(clamp(nextEnd))
    .wide(clamp(lastEnd))
    .wide(clamp(visitAt))
    .number(dropped.length)
  for (const { from, to, count } of dropped)
    out
      .number(from)
      .number(to - from)
      .number(count)
  return writeLog(out, log).done()
}

export function decodeUpstream(bytes: Buffer): UpstreamState {
  const from = new ValueReader(bytes)
  checkVersion(from)
  const lowest = from.wide()
  const nextEnd = from.wide()
  const lastEnd = from.wide()
  const visitAt = from.wide()
  const dropped = listOf(from, () => {
    const first = from.number()
    return { from: first, to: first + from.number(), count: from.number() }
  })
  return { lowest, nextEnd, lastEnd, visitAt, dropped, log: readLog(from) }
}

export function encodeReader({ cursor, expiresAt, missed, toldTo, settled }: ReaderState): Buffer {
  const out = new ValueWriter((6 + 2 * settled.length) * NUMBER_BYTES)
    .byte(VERSION)
    .wide(clamp(expiresAt))
    .number(cursor)
    .number(missed)
    .number(toldTo)
    .number(settled.length)
  // Counted from the cursor: most are a byte each.
  let at = cursor
  for (const [from, to] of settled) {
    out.number(from - at).number(to - from)
    at = to
  }
  return out.done()
}

export function decodeReader(bytes: Buffer): ReaderState {
  const from = new ValueReader(bytes)
  checkVersion(from)
  const expiresAt = from.wide()
  const cursor = from.number()
  const missed = from.number()
  const toldTo = from.number()
  let at = cursor
  const settled = listOf(from, (): Run => {
    const first = at + from.number()
    at = first + from.number()
    return [first, at]
  })
  return { cursor, expiresAt, missed, toldTo, settled }
}

function checkVersion(from: ValueReader): void {
  if (from.byte() !== VERSION) throw new RangeError('a stored value of an upstream log is of another version')
}

function listOf<T>(from: ValueReader, read: () => T): T[] {
  const list: T[] = []
  for (let rest = from.number(); rest > 0; rest -= 1) list.push(read())
  return list
}
