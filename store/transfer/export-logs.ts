/** What came after version 1 of the format, as lines. */
import {
  appOfEventLog,
  type KnownReader,
  type LogEntry,
  type LogSlice,
  type Message,
  type Part,
  type ReadLimit,
  type Store,
  type UpstreamEntry,
} from '../contract.ts'
import type { EntryLine, LogsLine, ReaderLine, RetainedLine, RowLine, SessionsLine, TopicLine } from './format-logs.ts'
import { isProgress } from './progress.ts'
import type { TransferTopics } from './topics.ts'

const PORTION: ReadLimit = { entries: 256, bytes: 1024 * 1024 }
const ROWS = 1_000

export async function* linesOfLogs(store: Store): AsyncIterable<LogsLine> {
  for await (const log of store.upstreamLogs()) {
    yield { type: 'log', log }
    const readers = await store.readersOf(log)
    for (const reader of readers) yield readerLine(reader)
    for (const [part, lowest] of unreadParts(readers)) yield* linesOfPart(store, log, part, lowest)
    if (appOfEventLog(log) !== undefined) continue
    for await (const entry of store.retainedUpstream(log)) yield retainedLine(entry)
  }
}

function readerLine({ reader, expiresAt, parts }: KnownReader): ReaderLine {
  const behind = parts.filter(({ cursor, end }) => cursor < end)
  return { type: 'reader', reader, expiresAt, unread: behind.map(({ part, cursor }) => [part, cursor]) }
}

/** What somebody has not passed, and the lowest cursor there. */
function unreadParts(readers: readonly KnownReader[]): ReadonlyMap<Part, number> {
  const lowest = new Map<Part, number>()
  for (const { part, cursor, end } of readers.flatMap(({ parts }) => parts)) {
    if (cursor < end) lowest.set(part, Math.min(cursor, lowest.get(part) ?? cursor))
  }
  return lowest
}

async function* linesOfPart(store: Store, log: string, part: Part, after: number): AsyncIterable<EntryLine> {
  for await (const entry of allOf((from) => store.readUpstream(log, part, from, PORTION), after)) {
    const { offset, tokenId, subject } = entry
    yield { type: 'entry', part, offset, tokenId, subject, message: messageOf(entry) }
  }
}

function retainedLine(entry: UpstreamEntry): RetainedLine {
  return { type: 'retained', tokenId: entry.tokenId, subject: entry.subject, message: messageOf(entry) }
}

export async function* linesOfSessions(store: Store): AsyncIterable<SessionsLine> {
  for await (const { epoch: _, ...session } of store.namedSessions()) {
    if (isProgress(session.name)) continue
    yield { type: 'session', ...session }
    const { filters } = (await store.subscriptionsOf(session.name)) ?? { filters: [] }
    for (const [filter, options] of filters) yield { type: 'subscription', filter, options }
    for await (const entry of allOf((from) => store.readSession(session.name, from, PORTION), 0)) {
      const { topic, qos, identifiers, released } = entry
      yield { type: 'delivery', topic, qos, identifiers, released, message: messageOf(entry) }
    }
  }
}

export async function* linesOfTopics(topics: TransferTopics): AsyncIterable<TopicLine> {
  for await (const retained of topics.all()) {
    yield { type: 'topic', topic: retained.topic, qos: retained.qos, message: messageOf(retained) }
  }
}

export async function* linesOfTable(store: Store, table: string): AsyncIterable<RowLine> {
  for (let after = ''; ; ) {
    const rows = await store.readRows(table, after, ROWS)
    for (const { key, value, expiresAt } of rows) yield { type: 'row', table, key, value, expiresAt }
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.key
  }
}

async function* allOf<E extends LogEntry>(
  read: (after: number) => Promise<LogSlice<E>>,
  start: number,
): AsyncIterable<E> {
  for (let after = start; ; ) {
    const { entries, readTo, end } = await read(after)
    yield* entries
    if (readTo >= end) return
    after = readTo
  }
}

function messageOf({ id, payload, properties, retain, storedAt, expiresAt }: Message): Message {
  return { id, payload, ...(properties === undefined ? {} : { properties }), retain, storedAt, expiresAt }
}
