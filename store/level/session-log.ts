/** Logs of sessions by name: appending, acknowledging, reading. */
import type {
  LogSlice,
  ReadLimit,
  SessionAppend,
  SessionAppended,
  SessionCommit,
  SessionDelivery,
  SessionEntry,
  StoreLimits,
} from '../contract.ts'
import { sessionEntryOf } from '../message.ts'
import { clamp } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import {
  bodyCountKey,
  bodyKey,
  entryKey,
  numberRange,
  Kind,
  sessionLogPrefix,
  sessionReleasedPrefix,
  sessionUidKey,
} from './keys.ts'
import type { Log } from './log.ts'
import { encodeNumber, hasEnded, type NamedSession } from './named-records.ts'
import { readLog } from './read.ts'
import {
  asReleased,
  bodyBytes,
  bodyId,
  decodeSessionEntry,
  encodeBody,
  encodeSessionEntry,
  sessionHeadOf,
} from './session-entry.ts'
import type { Transaction } from './transaction.ts'
import { forgetUidAt, isKnownUid, rememberUid } from './uids.ts'

/** Up to here each log has a copy: to count who has a body costs as much. */
export const COPIED_BYTES = 512

type Limits = Pick<StoreLimits, 'storedMessages' | 'storedBytes'>

export function appendSessions(
  transaction: Transaction,
  limits: Limits,
  append: SessionAppend,
): readonly SessionAppended[] {
  return new Append(transaction, limits, append).run()
}

/** One message on its way into logs. */
class Append {
  readonly #transaction: Transaction
  readonly #limits: Limits
  readonly #append: SessionAppend
  readonly #bytes: number
  readonly #isShared: boolean
  /** Of a body that is shared, and how many have it. */
  #body: Buffer | undefined
  #shares = 0
  readonly #told: { readonly delivery: SessionDelivery; readonly offset: number }[] = []

  constructor(transaction: Transaction, limits: Limits, append: SessionAppend) {
    this.#transaction = transaction
    this.#limits = limits
    this.#append = append
    this.#bytes = append.message.payload.byteLength
    this.#isShared = bodyBytes(append.message) > COPIED_BYTES
  }

  run(): readonly SessionAppended[] {
    const { to, message } = this.#append
    const outcomes = to.map((delivery) => this.#deliver(delivery))
    if (this.#body !== undefined) {
      this.#transaction.put(bodyKey(this.#body), encodeBody(message))
      this.#transaction.put(bodyCountKey(this.#body), encodeNumber(this.#shares))
    }
    if (this.#told.length > 0) this.#tell()
    return outcomes
  }

  #deliver(delivery: SessionDelivery): SessionAppended {
    const { sessions, now } = this.#transaction
    const { name } = delivery
    const known = sessions.of(name)
    if (known === undefined || hasEnded(known, now)) return 'gone'
    if (this.#hasTaken(known)) return 'duplicate'
    if (!this.#hasRoom(known) && !this.#makesRoom(known, name)) {
      this.#transaction.counts.session.dropped += 1
      return 'full'
    }
    const session = sessions.numbered(name, sessions.of(name) ?? known)
    const log = sessions.log(name, session)
    const offset = this.#add(session, log, delivery)
    sessions.appended(name, session, log.state)
    this.#remember(session)
    if (session.held) this.#told.push({ delivery, offset })
    return 'stored'
  }

  #hasTaken({ id }: NamedSession): boolean {
    const { uid } = this.#append
    return uid !== undefined && id > 0 && isKnownUid(this.#transaction, sessionUidKey(id, uid))
  }

  #hasRoom({ log, released, releasedBytes }: NamedSession): boolean {
    const { storedMessages, storedBytes } = this.#limits
    return log.count + released < storedMessages && log.bytes + releasedBytes + this.#bytes <= storedBytes
  }

  /** Expired entries do not count against the limit. */
  #makesRoom(session: NamedSession, name: string): boolean {
    const { sessions, now } = this.#transaction
    if (session.log.count === 0 || session.log.dueAt > now) return false
    const draft = sessions.draft(name, session)
    const log = sessions.log(name, draft)
    log.expireHead(now)
    draft.log = log.state
    return this.#hasRoom(draft)
  }

  #add({ id }: NamedSession, log: Log, copy: SessionDelivery): number {
    const { topic, message } = this.#append
    const body = this.#isShared ? (this.#body ??= bodyId(id, log.state.last + 1)) : undefined
    if (body !== undefined) this.#shares += 1
    const { offset } = log.add({
      expiresAt: clamp(message.expiresAt),
      payloadBytes: this.#bytes,
      body,
      encode: (offset, indexed) => encodeSessionEntry({ offset, topic, message, copy, body, indexed }),
    })
    return offset
  }

  #remember({ id }: NamedSession): void {
    const { uid } = this.#append
    if (uid !== undefined) rememberUid(this.#transaction, sessionUidKey(id, uid))
  }

  #tell(): void {
    const { topic, message } = this.#append
    const told = this.#told
    this.#transaction.tell((watcher) => {
      if (watcher.sessionAppended === undefined) return
      for (const { delivery, offset } of told) {
        watcher.sessionAppended(delivery.name, offset, sessionEntryOf(message, offset, topic, delivery))
      }
    })
  }
}

export function forgetUid(transaction: Transaction, uid: string, names: readonly string[]): void {
  for (const name of names) {
    const session = transaction.sessions.of(name)
    if (session !== undefined && session.id > 0) forgetUidAt(transaction, sessionUidKey(session.id, uid))
  }
}

/** False: a newer session was opened, or there is none. */
export function commitSession(transaction: Transaction, { name, epoch, done, released }: SessionCommit): boolean {
  const { sessions } = transaction
  const known = sessions.of(name)
  if (known?.epoch !== epoch || hasEnded(known, transaction.now)) return false
  if (known.id === 0) return true
  const session = sessions.draft(name, known)
  const log = sessions.log(name, session)
  const prefix = sessionReleasedPrefix(session.id)
  for (const offset of released) {
    const bytes = log.takeOut(offset)
    if (bytes === undefined) continue
    transaction.put(entryKey(prefix, offset), asReleased(bytes))
    session.released += 1
    session.releasedBytes += sessionHeadOf(bytes).payloadBytes
  }
  for (const offset of done) {
    if (log.removeOne(offset) || session.released === 0) continue
    const key = entryKey(prefix, offset)
    const bytes = transaction.get(key)
    if (bytes === undefined) continue
    const { payloadBytes, body } = orDamaged(() => sessionHeadOf(bytes))
    transaction.delete(key)
    sessions.dropBody(body)
    session.released -= 1
    session.releasedBytes -= payloadBytes
  }
  log.passHoles()
  session.log = log.state
  return true
}

// Reading

/** What is released lies beside the log, and is among the entries by its offset. */
export async function readSession(
  database: Database,
  session: NamedSession | undefined,
  { after, limit, now }: { after: number; limit: ReadLimit; now: number },
): Promise<LogSlice<SessionEntry>> {
  if (session === undefined || hasEnded(session, now)) return { entries: [], readTo: after, end: 0 }
  const { id, log } = session
  const released = session.released === 0 ? [] : await releasedAfter(database, id, after, limit.entries)
  const prefix = sessionLogPrefix(id)
  const decode = (bytes: Buffer): SessionEntry | undefined => decodeIn(database, prefix, bytes)
  const slice = await readLog(database, { prefix, log, after, limit, now, decode })
  return released.length === 0 ? slice : merged(slice, released, limit)
}

async function releasedAfter(
  database: Database,
  id: number,
  after: number,
  most: number,
): Promise<readonly SessionEntry[]> {
  const { lt } = numberRange(Kind.sessionReleased, id)
  const prefix = sessionReleasedPrefix(id)
  const rows = await database.entries({ gte: entryKey(prefix, after + 1), lt })
  const entries: SessionEntry[] = []
  for (const [, bytes] of rows.slice(0, most)) {
    const entry = decodeIn(database, prefix, bytes)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

/** A body that is not there went with its entry, after that was read. */
function decodeIn(database: Database, prefix: Buffer, bytes: Buffer): SessionEntry | undefined {
  return orDamaged(() => {
    const entry = decodeSessionEntry(bytes, (id) => database.get(bodyKey(id)))
    if (entry === undefined && database.get(entryKey(prefix, sessionHeadOf(bytes).offset)) !== undefined) {
      throw new RangeError('the body of a stored message is missing')
    }
    return entry
  })
}

function merged(
  slice: LogSlice<SessionEntry>,
  released: readonly SessionEntry[],
  limit: ReadLimit,
): LogSlice<SessionEntry> {
  const { readTo, end } = slice
  const all = [...slice.entries, ...released.filter(({ offset }) => offset <= readTo)]
  all.sort((one, other) => one.offset - other.offset)
  const entries: SessionEntry[] = []
  let bytes = 0
  for (const entry of all) {
    bytes += entry.payload.byteLength
    if (entries.length >= limit.entries || (entries.length > 0 && bytes > limit.bytes)) {
      return { entries, readTo: entries.at(-1)?.offset ?? readTo, end }
    }
    entries.push(entry)
  }
  return { entries, readTo, end }
}
