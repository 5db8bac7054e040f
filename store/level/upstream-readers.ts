/** The readers of an upstream log, which must be prepared: opened, closed, moved, and what is trimmed up to them. */
import type { ReaderOpen, ReaderPart } from '../contract.ts'
import { clamp } from './bytes.ts'
import type { Log } from './log.ts'
import { beyond, type Run, withOffsets } from './runs.ts'
import type { Transaction } from './transaction.ts'
import { PART } from './upstream-log.ts'
import { droppedBetween, type ReaderState, standingOf, type UpstreamState, withReader } from './upstream-records.ts'

/** Holes that one call passes; the next one goes on. */
const LOOKS = 1_024

export function openReader(transaction: Transaction, open: ReaderOpen): ReaderPart {
  const { app, reader, expiresAt, from } = open
  const known = transaction.upstream.readers(app).get(reader)
  const until = Math.max(1, clamp(expiresAt))
  if (known !== undefined && hasEnded(known, transaction.now)) closeReader(transaction, app, reader)
  else if (known !== undefined) return renewReader(transaction, open, known, until)
  const before = transaction.upstream.begun(app)
  transaction.upstream.set(app, before)
  const end = before.log.last
  const cursor = from === 'earliest' ? beforeOldest(before) : end
  replace(transaction, app, reader, undefined, { cursor, expiresAt: until, missed: 0, toldTo: 0, settled: [] })
  return { part: PART, cursor, end, missed: 0 }
}

/** What all readers have passed, and is not trimmed yet, stays away. */
function beforeOldest({ log, lowest, lastEnd }: UpstreamState): number {
  return Math.min(log.last, Math.max(log.head - 1, lastEnd === 0 ? 0 : lowest))
}

function renewReader(
  transaction: Transaction,
  { app, reader, keepsMissed = false }: ReaderOpen,
  known: ReaderState,
  until: number,
): ReaderPart {
  const state = transaction.upstream.of(app)
  const { log } = state
  const missed = keepsMissed ? 0 : missedBy(known, state)
  if (missed > 0 || until > known.expiresAt) {
    const told = missed > 0 ? { missed: 0, toldTo: log.head - 1 } : {}
    const expiresAt = Math.max(until, known.expiresAt)
    replace(transaction, app, reader, known, { ...known, ...told, expiresAt })
  }
  return { part: PART, cursor: known.cursor, end: log.last, missed }
}

/** What it has not been told of. */
export function missedBy({ missed, cursor, toldTo }: ReaderState, { dropped, log }: UpstreamState): number {
  return missed + droppedBetween(dropped, Math.max(cursor, toldTo), log.last)
}

export function closeReader(transaction: Transaction, app: string, reader: string): void {
  const known = transaction.upstream.readers(app).get(reader)
  if (known !== undefined) replace(transaction, app, reader, known, undefined)
}

/** `told`: so much of what it missed. False: it is not known. */
export function moveReader(transaction: Transaction, app: string, reader: string, to: number, told: number): boolean {
  const known = transaction.upstream.readers(app).get(reader)
  if (known === undefined || hasEnded(known, transaction.now)) return false
  const cursor = Math.min(to, transaction.upstream.of(app).log.last)
  if (cursor > known.cursor) {
    const moved = movedReader(transaction, app, known, cursor, known.settled)
    replace(
      transaction,
      app,
      reader,
      known,
      told === 0 ? moved : { ...moved, missed: Math.max(0, moved.missed - told) },
    )
  }
  return true
}

/** Offsets beyond its cursor are done with. */
export function settleUpstream(
  transaction: Transaction,
  app: string,
  reader: string,
  offsets: readonly number[],
): void {
  const known = transaction.upstream.readers(app).get(reader)
  if (known === undefined || hasEnded(known, transaction.now)) return
  const settled = withOffsets(
    known.settled,
    offsets.filter((offset) => offset > known.cursor),
  )
  replace(transaction, app, reader, known, movedReader(transaction, app, known, known.cursor, settled))
}

/** The reader after everything up to the cursor, and what is settled beyond it, is done with. */
export function movedReader(
  transaction: Transaction,
  app: string,
  before: ReaderState,
  cursor: number,
  settled: readonly Run[],
): ReaderState {
  const to = settled.length === 0 ? cursor : passSettled(transaction, app, cursor, settled)
  const { dropped } = transaction.upstream.of(app)
  const missed = before.missed + droppedBetween(dropped, Math.max(before.cursor, before.toldTo), to)
  return { ...before, cursor: to, missed, settled: beyond(settled, to) }
}

/** Passes what is settled, and what is gone, or has expired, before something that is. */
function passSettled(transaction: Transaction, app: string, cursor: number, settled: readonly Run[]): number {
  const { upstream } = transaction
  const state = upstream.of(app)
  const log = upstream.log(app, state)
  const to = passedTo(log, transaction.now, cursor, settled)
  if (log.state !== state.log) upstream.set(app, { ...state, log: log.state })
  return to
}

function passedTo(log: Log, now: number, cursor: number, settled: readonly Run[]): number {
  let at = cursor
  let looks = 0
  for (const [from, to] of settled) {
    at = Math.max(at, Math.min(log.state.head, from) - 1)
    while (at + 1 < from) {
      if (looks >= LOOKS || !log.expireOne(at + 1, now)) return at
      looks += 1
      at += 1
    }
    at = Math.max(at, to)
  }
  return at
}

/** A reader in the place of another one, or of none; trims what no reader needs any more. */
function replace(
  transaction: Transaction,
  app: string,
  reader: string,
  before: ReaderState | undefined,
  after: ReaderState | undefined,
): void {
  const { upstream } = transaction
  const state = upstream.of(app)
  upstream.setReader(app, reader, after)
  const stands =
    after !== undefined && (before === undefined || before.cursor > state.lowest || before.cursor === after.cursor)
  setStanding(transaction, app, stands ? { ...state, ...withReader(state, after) } : undefined)
}

/** Without a state: the readers are gone through. */
export function setStanding(transaction: Transaction, app: string, known?: UpstreamState): void {
  const { upstream } = transaction
  const state = known ?? { ...upstream.of(app), ...standingOf(app, valuesOf(upstream.readers(app).all())) }
  // The log is that of what was known before.
  const log = upstream.log(app, state)
  log.trim(state.lowest)
  const dropped = notPassed(state)
  upstream.set(app, { ...state, dropped, log: log.state })
}

function notPassed({ dropped, lowest, lastEnd }: UpstreamState): UpstreamState['dropped'] {
  if (lastEnd === 0) return []
  return dropped.some(({ to }) => to <= lowest) ? dropped.filter(({ to }) => to > lowest) : dropped
}

/** What could not be trimmed in one call. */
export function trimUpstream(transaction: Transaction, app: string): void {
  setStanding(transaction, app, transaction.upstream.of(app))
}

export function hasEnded({ expiresAt }: ReaderState, now: number): boolean {
  return expiresAt <= now
}

function* valuesOf<T>(entries: Iterable<[string, T]>): Iterable<T> {
  for (const [, value] of entries) yield value
}
