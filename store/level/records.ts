/** What is kept of a token id, of an app, and of their logs, and how that is written. */
import type { Cursors, Marks, Missed } from '../contract.ts'
import { ValueReader, ValueWriter, clamp, MOST } from './bytes.ts'

/** A time that never comes. */
export const NEVER = MOST

/**
 * A log. Entries that expire not before any older one are *in order*: the oldest of them is the next to expire, so one due
 * time serves them all. An entry out of order has a due key of its own. One that may be acknowledged late counts as expiring
 * when it no longer may.
 */
export interface LogState {
  /** The highest offset ever given. */
  readonly last: number
  /** No entry is below this offset. */
  readonly head: number
  /** Entries that are stored, and their payload bytes. */
  readonly count: number
  readonly bytes: number
  /** The latest expiry of the entries since the log was empty. */
  readonly latestExpiry: number
  /** No entry in order expires before this time; 0 when the log is empty. */
  readonly dueAt: number
  /** Of a private log: all marks (`EntryHead`) of the entries since it was empty. */
  readonly marks: number
  /** Of a private log: entries that came through a Web Push endpoint, and their payload bytes. */
  readonly webPush: number
  readonly webPushBytes: number
}

export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] }

export interface StoredSession {
  /** A connection has it. */
  readonly held: boolean
  /** It ended without being closed. */
  readonly unclean: boolean
  /** Something was saved, see `sessionStateKey`. */
  readonly hasState: boolean
  /** Packet ids may be remembered, see `receivedKey`. */
  readonly hasReceived: boolean
  /** A will may be kept, see `tokenWillKey`. */
  readonly hasWill: boolean
  /** The run of the process that opened it, where it is held. 0: not known. */
  readonly run: number
  /** When it ends, unless it is held. */
  readonly expiresAt: number
  /** Highest epoch that was ended by a clean start while a connection held it; 0: none. */
  readonly dropped: number
}

/** What a token id has in the upstream log of its app, and beside it. */
export interface UpstreamUse {
  /** Entries in the log, and their payload bytes. */
  readonly unread: number
  readonly unreadBytes: number
  /** Topics that it retains a message of. */
  readonly retained: number
}

export interface TokenState {
  readonly app: string
  readonly deviceMark: string
  readonly generation: number
  readonly revoked: boolean
  /** The one that is current for its app and device. */
  readonly current: boolean
  /** When the newest JWT expires. */
  readonly expiresAt: number
  readonly cursor: number
  readonly broadcastCursor: number
  readonly marks: Marks | undefined
  readonly log: LogState
  /** Epoch of the newest session. */
  readonly epoch: number
  readonly session: StoredSession | undefined
  /** Expiry of the retained message; 0 if there is none. */
  readonly retainedUntil: number
  /** Absent: nothing. */
  readonly upstream: UpstreamUse | undefined
  /** Time of its due key; 0 when it has none yet. */
  readonly visitAt: number
  /** Tags are among what is known of it, see `tokenDetailsKey`. */
  readonly hasTags: boolean
  /** 0: not known. */
  readonly lastSeen: number
  /** Beyond the cursor, up to here somebody may have seen what was in the private log. */
  readonly seen: number
  readonly missed: Missed | undefined
}

export interface AppState {
  readonly log: LogState
  /** No retained broadcast expires before this time; 0 if there is none. */
  readonly retainedUntil: number
  readonly visitAt: number
  /** The highest offset that went because the log was full; 0: none. */
  readonly droppedThrough: number
}

export function emptyLog(last: number): LogState {
  return { last, head: last + 1, count: 0, bytes: 0, latestExpiry: 0, dueAt: 0, marks: 0, webPush: 0, webPushBytes: 0 }
}

export const NEW_APP: AppState = { log: emptyLog(0), retainedUntil: 0, visitAt: 0, droppedThrough: 0 }

const REVOKED = 1
const CURRENT = 2
const SESSION = 4
const HELD = 8
const UNCLEAN = 16
const HAS_STATE = 32
const MARKS = 64
const HAS_RECEIVED = 128
const UPSTREAM = 256
const HAS_WILL = 512
const HAS_TAGS = 1024
const LAST_SEEN = 2048
const HAS_RUN = 4096
const HAS_SEEN = 8192
const HAS_MISSED = 16384
const LOG_MARKS = 32768
const LOG_WEB_PUSH = 65536
const HAS_DROPPED = 131072

const NUMBER_BYTES = 8

export function encodeToken(token: TokenState): Buffer {
  const { session } = token
  const flags =
    (token.revoked ? REVOKED : 0) |
    (token.current ? CURRENT : 0) |
    (session === undefined ? 0 : SESSION) |
    (session?.held ? HELD : 0) |
    (session?.unclean ? UNCLEAN : 0) |
    (session?.hasState ? HAS_STATE : 0) |
    (session?.hasReceived ? HAS_RECEIVED : 0) |
    (session?.hasWill ? HAS_WILL : 0) |
    (token.upstream === undefined ? 0 : UPSTREAM) |
    (token.hasTags ? HAS_TAGS : 0) |
    (token.lastSeen === 0 ? 0 : LAST_SEEN) |
    (session === undefined || session.run === 0 ? 0 : HAS_RUN) |
    (token.seen > token.cursor ? HAS_SEEN : 0) |
    (token.missed === undefined ? 0 : HAS_MISSED) |
    (token.log.marks === 0 ? 0 : LOG_MARKS) |
    (token.log.webPush === 0 ? 0 : LOG_WEB_PUSH) |
    (token.marks === undefined ? 0 : MARKS) |
    (session === undefined || session.dropped === 0 ? 0 : HAS_DROPPED)
  const marks = token.marks === undefined ? '' : JSON.stringify(token.marks)
  const texts = token.app.length + token.deviceMark.length + marks.length
  const out = new ValueWriter(31 * NUMBER_BYTES + texts * 3)
    .number(flags)
    .text(token.app)
    .text(token.deviceMark)
    .number(token.generation)
    .wide(clamp(token.expiresAt))
    .number(token.cursor)
    .number(token.broadcastCursor)
    .number(token.epoch)
    .wide(clamp(session?.expiresAt ?? 0))
    .wide(clamp(token.retainedUntil))
    .wide(clamp(token.visitAt))
  writeLog(out, token.log)
  if (token.marks !== undefined) out.text(marks)
  const { upstream } = token
  if (upstream !== undefined) out.number(upstream.unread).number(upstream.unreadBytes).number(upstream.retained)
  if (token.lastSeen > 0) out.wide(clamp(token.lastSeen))
  if ((flags & HAS_RUN) !== 0) out.number(session?.run ?? 0)
  if ((flags & HAS_SEEN) !== 0) out.number(token.seen)
  if (token.missed !== undefined) out.number(token.missed.count).number(token.missed.through)
  if (token.log.marks !== 0) out.number(token.log.marks)
  if (token.log.webPush !== 0) out.number(token.log.webPush).number(token.log.webPushBytes)
  if ((flags & HAS_DROPPED) !== 0) out.number(session?.dropped ?? 0)
  return out.done()
}

export function decodeToken(bytes: Buffer): TokenState {
  const from = new ValueReader(bytes)
  const flags = from.number()
  const app = from.text()
  const deviceMark = from.text()
  const generation = from.number()
  const expiresAt = from.wide()
  const cursor = from.number()
  const broadcastCursor = from.number()
  const epoch = from.number()
  const sessionExpiresAt = from.wide()
  const retainedUntil = from.wide()
  const visitAt = from.wide()
  const plainLog = readLog(from)
  const marks = (flags & MARKS) === 0 ? undefined : (JSON.parse(from.text()) as Marks)
  const upstream =
    (flags & UPSTREAM) === 0
      ? undefined
      : { unread: from.number(), unreadBytes: from.number(), retained: from.number() }
  // Records of earlier versions have none.
  const lastSeen = (flags & LAST_SEEN) === 0 ? 0 : from.wide()
  const run = (flags & HAS_RUN) === 0 ? 0 : from.number()
  const seen = (flags & HAS_SEEN) === 0 ? cursor : from.number()
  const missed = (flags & HAS_MISSED) === 0 ? undefined : { count: from.number(), through: from.number() }
  const markedLog = (flags & LOG_MARKS) === 0 ? plainLog : { ...plainLog, marks: from.number() }
  const log =
    (flags & LOG_WEB_PUSH) === 0 ? markedLog : { ...markedLog, webPush: from.number(), webPushBytes: from.number() }
  const dropped = (flags & HAS_DROPPED) === 0 ? 0 : from.number()
  const session = (flags & SESSION) === 0 ? undefined : sessionOf(flags, { run, expiresAt: sessionExpiresAt, dropped })
  return {
    app,
    deviceMark,
    generation,
    revoked: (flags & REVOKED) !== 0,
    current: (flags & CURRENT) !== 0,
    expiresAt,
    cursor,
    broadcastCursor,
    log,
    marks,
    epoch,
    session,
    retainedUntil,
    upstream,
    visitAt,
    hasTags: (flags & HAS_TAGS) !== 0,
    lastSeen,
    seen,
    missed,
  }
}

function sessionOf(flags: number, known: Pick<StoredSession, 'run' | 'expiresAt' | 'dropped'>): StoredSession {
  return {
    held: (flags & HELD) !== 0,
    unclean: (flags & UNCLEAN) !== 0,
    hasState: (flags & HAS_STATE) !== 0,
    hasReceived: (flags & HAS_RECEIVED) !== 0,
    hasWill: (flags & HAS_WILL) !== 0,
    ...known,
  }
}

export function cursorsOf({ cursor, broadcastCursor, marks }: TokenState): Cursors {
  return { private: cursor, broadcast: broadcastCursor, ...(marks === undefined ? {} : { marks }) }
}

/** Nothing up to here in the private log is pending; beyond it, only what is skipped is, up to the cursor. */
export function trimmable({ cursor, marks }: TokenState): number {
  return Math.min(cursor, (marks?.skippedPrivate[0] ?? Infinity) - 1)
}

export function encodeApp({ log, retainedUntil, visitAt, droppedThrough }: AppState): Buffer {
  const out = new ValueWriter(9 * NUMBER_BYTES)
  writeLog(out.wide(clamp(retainedUntil)).wide(clamp(visitAt)), log)
  return droppedThrough === 0 ? out.done() : out.number(droppedThrough).done()
}

export function decodeApp(bytes: Buffer): AppState {
  const from = new ValueReader(bytes)
  const retainedUntil = from.wide()
  const visitAt = from.wide()
  const log = readLog(from)
  // Records of earlier versions have none.
  return { retainedUntil, visitAt, log, droppedThrough: from.isAtEnd ? 0 : from.number() }
}

/** Whether an offset of the private log, if it is still there, is pending. */
export function isPending({ cursor, marks }: TokenState, offset: number): boolean {
  return offset > cursor || marks?.skippedPrivate.includes(offset) === true
}

/** A number and until when it holds: a selector's retained offset. */
export function encodeTimed(offset: number, until: number): Buffer {
  return new ValueWriter(2 * NUMBER_BYTES).wide(clamp(until)).number(offset).done()
}

export function decodeTimed(bytes: Buffer): { offset: number; until: number } {
  const from = new ValueReader(bytes)
  const until = from.wide()
  return { until, offset: from.number() }
}

export function writeLog(out: ValueWriter, log: LogState): ValueWriter {
  out.number(log.last).number(log.count)
  // An empty log, as most are, is its last offset.
  if (log.count === 0) return out
  return out.number(log.head).number(log.bytes).wide(clamp(log.latestExpiry)).wide(clamp(log.dueAt))
}

export function readLog(from: ValueReader): LogState {
  const last = from.number()
  const count = from.number()
  if (count === 0) return emptyLog(last)
  const head = from.number()
  const bytes = from.number()
  const latestExpiry = from.wide()
  return { ...emptyLog(last), head, count, bytes, latestExpiry, dueAt: from.wide() }
}
