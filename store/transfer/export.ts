/** All of a store as lines of text. */
import type { BroadcastEntry, LogEntry, Marks, RetainedBroadcast, Store, TokenId } from '../contract.ts'
import { encodeSelector } from '../../topics/index.ts'
import { changedDetails, NO_DETAILS } from '../details.ts'
import { fingerprintOf } from '../message.ts'
import { linesOfLogs, linesOfSessions, linesOfTable, linesOfTopics } from './export-logs.ts'
import {
  type BroadcastLine,
  type BroadcastMarks,
  type ClearedLine,
  type Counts,
  countLine,
  encodeLine,
  type Line,
  type MessageLine,
  type TokenLine,
} from './format.ts'
import { askedOf } from './message-json.ts'
import type { TransferTopics } from './topics.ts'

export interface ExportOptions {
  /** Names this export: 1 to 64 of A-Z a-z 0-9 _ -, random. */
  readonly id: string
  /** What issued tokens need to stay valid. */
  readonly secrets: readonly { readonly name: string; readonly value: string }[]
  readonly topics: TransferTopics
  /** The small tables that move. */
  readonly tables: readonly string[]
  /** Kept up to date while lines are taken. */
  readonly counts: Counts
}

const PORTION = { entries: 256, bytes: 1024 * 1024 }

/**
 * The lines, ended by "\n", as fast as they are taken. They hold keys and messages: they are as secret as the store. The
 * store should not be written to meanwhile.
 */
export async function* exportStore(store: Store, { counts, ...rest }: ExportOptions): AsyncIterable<string> {
  for await (const line of linesOf(store, rest)) {
    countLine(counts, line)
    yield encodeLine(line)
  }
  yield encodeLine({ type: 'end', counts })
}

async function* linesOf(
  store: Store,
  { id, secrets, topics, tables }: Omit<ExportOptions, 'counts'>,
): AsyncIterable<Line> {
  yield { type: 'header', id }
  for (const { name, value } of secrets) yield { type: 'secret', name, value }
  for await (const app of store.broadcastApps()) yield* linesOfApp(store, app)
  yield* linesOfTokens(store)
  yield* linesOfLogs(store)
  yield* linesOfSessions(store)
  yield* linesOfTopics(topics)
  for (const table of tables) yield* linesOfTable(store, table)
}

/** The log, and among it, by offset, what is retained or cleared and no longer in the log. */
async function* linesOfApp(store: Store, app: string): AsyncIterable<Line> {
  yield { type: 'app', app }
  const rows = await store.retainedBroadcasts(app)
  const retained = new Set(rows.filter(({ entry }) => entry !== undefined).map(({ offset }) => offset))
  let next = 0
  for await (const entry of broadcastsOf(store, app)) {
    for (; (rows[next]?.offset ?? Infinity) <= entry.offset; next += 1) yield* rowLine(rows[next], entry.offset)
    yield broadcastLine(entry, true, retained.has(entry.offset))
  }
  for (; next < rows.length; next += 1) yield* rowLine(rows[next], undefined)
}

/** Nothing for what comes with the log anyway; a clearing is a line of its own there too. */
function* rowLine(
  row: RetainedBroadcast | undefined,
  inLog: number | undefined,
): Iterable<BroadcastLine | ClearedLine> {
  if (row === undefined) return
  const { offset, selector, entry } = row
  if (entry === undefined) yield { type: 'cleared', offset, selector }
  else if (offset !== inLog) yield broadcastLine(entry, false, true)
}

/** `retain` says what is retained now, so that what was replaced or cleared does not come back. */
function broadcastLine(entry: BroadcastEntry, pending: boolean, retain: boolean): BroadcastLine {
  const { offset, selector } = entry
  return { type: 'broadcast', offset, selector, pending, ...sent(entry, pending, retain, encodeSelector(selector)) }
}

async function* broadcastsOf(store: Store, app: string): AsyncIterable<BroadcastEntry> {
  for (let after = 0; ; ) {
    const { entries, readTo, end } = await store.readBroadcast(app, after, PORTION)
    yield* entries
    if (readTo >= end) return
    after = readTo
  }
}

async function* linesOfTokens(store: Store): AsyncIterable<TokenLine | MessageLine> {
  for await (const { registration, cursors, privateEnd, details, ...known } of store.tokens()) {
    const { private: cursor, broadcast: broadcastCursor, marks } = cursors
    const told = marks === undefined ? {} : { marks: broadcastMarks(marks) }
    const kept = changedDetails(NO_DETAILS, details) === NO_DETAILS ? {} : { details }
    yield { type: 'token', ...registration, ...known, broadcastCursor, ...told, ...kept }
    const [skipped = cursor + 1] = marks?.skippedPrivate ?? []
    yield* messageLines(store, registration.tokenId, Math.min(cursor, skipped - 1), privateEnd)
  }
}

function broadcastMarks({ floor, versions, passed, skippedBroadcast }: Marks): BroadcastMarks {
  return { floor, versions, passed, skippedBroadcast }
}

/** First what is retained and no longer pending: acknowledged, or dropped since the log was full. */
async function* messageLines(store: Store, tokenId: TokenId, cursor: number, end: number): AsyncIterable<MessageLine> {
  const retained = await store.retainedPrivate(tokenId)
  let slice = end > cursor ? await store.readPrivate(tokenId, cursor, PORTION) : undefined
  const first = slice?.entries[0]?.offset ?? Infinity
  if (retained !== undefined && retained.offset < first) yield messageLine(retained, false, true)
  while (slice !== undefined) {
    for (const entry of slice.entries) yield messageLine(entry, true, entry.offset === retained?.offset)
    slice = slice.readTo < slice.end ? await store.readPrivate(tokenId, slice.readTo, PORTION) : undefined
  }
}

function messageLine(entry: LogEntry, pending: boolean, retain: boolean): MessageLine {
  return { type: 'message', pending, ...sent(entry, pending, retain) }
}

/** What has ended replaces nothing, and its end was told. Its id stands for what was sent. */
function sent(
  entry: LogEntry,
  pending: boolean,
  retain: boolean,
  selector?: string,
): Pick<MessageLine, 'message' | 'fingerprint'> {
  const { id, payload, properties, storedAt, expiresAt } = entry
  const kept = properties === undefined ? {} : { properties }
  const message = { id, payload, ...kept, retain, storedAt, expiresAt, ...(pending ? askedOf(entry) : {}) }
  const isSame = entry.retain === retain && (pending || Object.keys(askedOf(entry)).length === 0)
  return isSame ? { message } : { message, fingerprint: fingerprintOf(entry, selector) }
}
