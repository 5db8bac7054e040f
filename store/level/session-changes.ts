/** What a transaction changes of sessions by name: their records, their logs, and the bodies that logs share. */
import type { Durable } from './durable.ts'
import {
  bodyCountKey,
  bodyKey,
  dueKey,
  heldSessionKey,
  metaKey,
  namedSessionKey,
  sessionLogPrefix,
  sessionNameKey,
  sessionRestKey,
} from './keys.ts'
import { type Ending, Log, type LogTransaction } from './log.ts'
import { decodeNumber, encodeNamed, encodeNumber, encodeText, namedDueAt, type NamedSession } from './named-records.ts'
import { RUNS_KEY } from './process-runs.ts'
import { type LogState, type Mutable, NEVER } from './records.ts'

/** A transaction as this file sees it. */
interface ChangedTransaction extends LogTransaction {
  sync(): void
  put(key: Buffer, value: Buffer): void
  schedule(key: Buffer, before: number, visitAt: number, dueAt: number): number
}

/** The highest number that was given to a log, or to a table of subscriptions. */
const NUMBERS_KEY = metaKey('session numbers')
const NOTHING = Buffer.alloc(0)

export class SessionChanges {
  readonly #transaction: ChangedTransaction
  readonly #durable: Durable
  readonly #sessions = new Map<string, NamedSession | undefined>()
  readonly #drafts = new Map<string, Mutable<NamedSession>>()
  /** Of which more has changed than that their log has grown. */
  readonly #toWrite = new Set<string>()
  readonly #logs = new Map<string, Log>()
  readonly #ending: Ending = { ended: ({ body }) => this.dropBody(body) }
  /** What was found of ended sessions, see `session-rest.ts`. */
  readonly rests = new Map<number, { readonly keys: readonly Buffer[]; readonly isLast: boolean }>()
  #writesRun = false

  constructor(transaction: ChangedTransaction, durable: Durable) {
    this.#transaction = transaction
    this.#durable = durable
  }

  of(name: string): NamedSession | undefined {
    const changed = this.#sessions.get(name)
    return changed === undefined && !this.#sessions.has(name) ? this.#durable.named(name) : changed
  }

  /** Undefined: it is forgotten. */
  set(name: string, session: NamedSession | undefined): void {
    this.#sessions.set(name, session)
    this.#toWrite.add(name)
  }

  /** The run of the process; it is written before a session says that it is of it. */
  run(): number {
    const { runs } = this.#durable
    if (!runs.isWritten && !this.#writesRun) {
      this.#writesRun = true
      this.#transaction.put(RUNS_KEY, runs.encode())
      this.#transaction.sync()
    }
    return runs.current
  }

  /** A number that was never given. */
  newNumber(): number {
    const bytes = this.#transaction.get(NUMBERS_KEY)
    const number = (bytes === undefined ? 0 : decodeNumber(bytes)) + 1
    this.#transaction.put(NUMBERS_KEY, encodeNumber(number))
    return number
  }

  /** The record, to be changed in place: a copy of `session`, which is what `of(name)` gives. */
  draft(name: string, session: NamedSession): Mutable<NamedSession> {
    this.#toWrite.add(name)
    return this.#draftOf(name, session)
  }

  /** To the log of `session`, and nothing else of it has changed: the entries tell (`grown`), and no record is written. */
  appended(name: string, session: NamedSession, log: LogState): void {
    this.#draftOf(name, session).log = log
  }

  #draftOf(name: string, session: NamedSession): Mutable<NamedSession> {
    const known = this.#drafts.get(name)
    if (known === session) return known
    const draft = { ...session }
    this.#drafts.set(name, draft)
    this.#sessions.set(name, draft)
    return draft
  }

  /** `session`, which is what `of(name)` gives, with a number for its log. */
  numbered(name: string, session: NamedSession): NamedSession {
    if (session.id > 0) return session
    const draft = this.draft(name, session)
    draft.id = this.newNumber()
    this.#transaction.put(sessionNameKey(draft.id), encodeText(name))
    return draft
  }

  /** The data under this number no longer belongs to a session. */
  leave(number: number): void {
    this.#transaction.addDue(this.#transaction.now, sessionRestKey(number))
  }

  /** The log of `session`, which is what `of(name)` gives, numbered: its state belongs into the record when it changed. */
  log(name: string, session: NamedSession): Log {
    const known = this.#logs.get(name)
    if (known?.state === session.log) return known
    const prefix = sessionLogPrefix(session.id)
    const log = new Log(this.#transaction, 'session', prefix, session.log, this.#ending)
    this.#logs.set(name, log)
    return log
  }

  /** One log less has it: the last one takes it along. */
  dropBody(id: Buffer | undefined): void {
    if (id === undefined) return
    const key = bodyCountKey(id)
    const bytes = this.#transaction.get(key)
    const rest = bytes === undefined ? 0 : decodeNumber(bytes) - 1
    if (rest > 0) return this.#transaction.put(key, encodeNumber(rest))
    this.#transaction.delete(key)
    this.#transaction.delete(bodyKey(id))
  }

  // The group

  write(): void {
    for (const [name, session] of this.#sessions) this.#write(name, session)
  }

  publish(): void {
    for (const [name, session] of this.#sessions) this.#durable.wroteNamed(name, session)
    if (this.#writesRun) this.#durable.runs.written()
  }

  #write(name: string, changed: NamedSession | undefined): void {
    const transaction = this.#transaction
    const key = namedSessionKey(name)
    const before = this.#durable.named(name)
    const indexed = changed !== undefined && changed.held && changed.keptMs < NEVER
    this.#writeHeld(name, before, indexed ? changed : undefined)
    const visitBefore = before?.visitAt ?? 0
    if (changed === undefined) {
      if (visitBefore > 0) transaction.delete(dueKey(visitBefore, key))
      return transaction.delete(key)
    }
    const visitAt = transaction.schedule(key, visitBefore, changed.visitAt, namedDueAt(changed))
    const isSame = visitAt === changed.visitAt && indexed === changed.indexed
    const session = isSame ? changed : { ...changed, visitAt, indexed }
    this.#sessions.set(name, session)
    if (!isSame || this.#toWrite.has(name)) transaction.put(key, encodeNamed(session))
  }

  /** Among those that a run holds. */
  #writeHeld(name: string, before: NamedSession | undefined, after: NamedSession | undefined): void {
    const wasOf = before?.indexed === true ? before.run : undefined
    if (wasOf === after?.run) return
    if (wasOf !== undefined) this.#transaction.delete(heldSessionKey(wasOf, name))
    if (after !== undefined) this.#transaction.put(heldSessionKey(after.run, name), NOTHING)
  }
}
