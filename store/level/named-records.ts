/** What is kept of a session by name, and how that is written. Each value begins with its version. */
import { clamp, ValueReader, ValueWriter } from './bytes.ts'
import { type LogState, NEVER, readLog, writeLog } from './records.ts'

export interface NamedSession {
  readonly epoch: number
  /** A connection has it. */
  readonly held: boolean
  /** It ended without being closed. */
  readonly unclean: boolean
  /** The run of the process that opened it. */
  readonly run: number
  /** How long it is kept when that run ends; `NEVER`: forever. */
  readonly keptMs: number
  /** When it ends; `NEVER` while it is held. */
  readonly expiresAt: number
  /** It has a key among those that its run holds, see `heldSessionKey`. */
  readonly indexed: boolean
  /** Something was saved, see `namedStateKey`. */
  readonly hasState: boolean
  /** A will may be kept, see `namedWillKey`. */
  readonly hasWill: boolean
  /** Id of its log, its uids and what it received; 0: it has had none of them. */
  readonly id: number
  /** The epoch with which it began; 0: not known. */
  readonly born: number
  /** Of its subscriptions; 0: it has had none. */
  readonly table: number
  readonly log: LogState
  /** Messages with a received PUBREC, and their payload bytes: they are outside the log. */
  readonly released: number
  readonly releasedBytes: number
  /** Time of its due key; 0 when it has none yet. */
  readonly visitAt: number
}

/** A session that nobody holds ends at its time. */
export function hasEnded({ held, expiresAt }: NamedSession, now: number): boolean {
  return !held && expiresAt <= now && expiresAt < NEVER
}

export function namedDueAt({ held, expiresAt, log }: NamedSession): number {
  const endsAt = held ? NEVER : expiresAt
  return log.count > 0 ? Math.min(endsAt, log.dueAt) : endsAt
}

const SESSION_VERSION = 2
const VERSION = 1
const HELD = 1
const UNCLEAN = 2
const HAS_STATE = 4
const HAS_WILL = 8
const INDEXED = 16
const HAS_BORN = 32
const NUMBER_BYTES = 8

export function encodeNamed(session: NamedSession): Buffer {
  const flags =
    (session.held ? HELD : 0) |
    (session.unclean ? UNCLEAN : 0) |
    (session.hasState ? HAS_STATE : 0) |
    (session.hasWill ? HAS_WILL : 0) |
    (session.indexed ? INDEXED : 0) |
    (session.born > 0 ? HAS_BORN : 0)
  const out = new ValueWriter(19 * NUMBER_BYTES)
    .byte(SESSION_VERSION)
    .number(flags)
    .number(session.epoch)
    .number(session.run)
    .wide(clamp(session.keptMs))
    .wide(clamp(session.expiresAt))
    .wide(clamp(session.visitAt))
    .number(session.id)
    .number(session.table)
    .number(session.released)
    .number(session.releasedBytes)
  writeLog(out, session.log)
  if (session.born > 0) out.number(session.born)
  return out.done()
}

export function decodeNamed(bytes: Buffer): NamedSession {
  const from = new ValueReader(bytes)
  if (from.byte() !== SESSION_VERSION) throw new RangeError('a session by name has a format of another version')
  const flags = from.number()
  return {
    held: (flags & HELD) !== 0,
    unclean: (flags & UNCLEAN) !== 0,
    hasState: (flags & HAS_STATE) !== 0,
    hasWill: (flags & HAS_WILL) !== 0,
    indexed: (flags & INDEXED) !== 0,
    epoch: from.number(),
    run: from.number(),
    keptMs: from.wide(),
    expiresAt: from.wide(),
    visitAt: from.wide(),
    id: from.number(),
    table: from.number(),
    released: from.number(),
    releasedBytes: from.number(),
    log: readLog(from),
    born: (flags & HAS_BORN) === 0 ? 0 : from.number(),
  }
}

// Wills

export interface StoredWill {
  /** Epoch of the session that left it. */
  readonly epoch: number
  readonly publishAt: number
  /** Somebody has it until then. */
  readonly takenUntil: number
  /** Time of its due key. */
  readonly dueAt: number
  readonly value: Buffer
}

export function encodeWill({ epoch, publishAt, takenUntil, dueAt, value }: StoredWill): Buffer {
  return new ValueWriter(1 + 4 * NUMBER_BYTES + value.byteLength)
    .byte(VERSION)
    .number(epoch)
    .wide(clamp(publishAt))
    .wide(clamp(takenUntil))
    .wide(clamp(dueAt))
    .raw(value)
    .done()
}

export function decodeWill(bytes: Buffer): StoredWill {
  const from = versioned(bytes)
  return {
    epoch: from.number(),
    publishAt: from.wide(),
    takenUntil: from.wide(),
    dueAt: from.wide(),
    value: from.rest(),
  }
}

// Values that are their version and some bytes

export function encodeBytes(value: Uint8Array): Buffer {
  return new ValueWriter(1 + value.byteLength).byte(VERSION).raw(value).done()
}

export function decodeBytes(bytes: Buffer): Buffer {
  return versioned(bytes).rest()
}

export function encodeText(value: string): Buffer {
  return encodeBytes(Buffer.from(value))
}

export function decodeText(bytes: Buffer): string {
  return decodeBytes(bytes).toString()
}

export function encodeNumber(value: number): Buffer {
  return new ValueWriter(1 + NUMBER_BYTES).byte(VERSION).number(value).done()
}

export function decodeNumber(bytes: Buffer): number {
  return versioned(bytes).number()
}

/** Behind the version. */
export function versioned(bytes: Buffer): ValueReader {
  const from = new ValueReader(bytes)
  if (from.byte() !== VERSION) throw new RangeError('a value of a session has a format of another version')
  return from
}
