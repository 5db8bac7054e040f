/** What all kinds of log have in common: appending, room, trimming, expiry. */
import type { Selector } from '../../topics/index.ts'
import type { End, LogName, Message, MessageState } from '../contract.ts'
import { clamp } from './bytes.ts'
import { COLLAPSE, type EntryHead, encodeEntry, FOLLOWED, RECEIPT, WEB_PUSH } from './entry.ts'
import { dueKey, entryKey } from './keys.ts'
import { emptyLog, type LogState, type Mutable } from './records.ts'

export type RemovalCounts = Record<Exclude<End, 'sent'>, number>

/** Why an entry is removed. */
export type Ended = Exclude<MessageState, 'pending'>

/** Hears of each entry that goes, before it is gone. */
export interface Ending {
  ended(head: EntryHead, as: Ended, key: Buffer): void
  /** It need not hear of entries without marks, nor of acknowledged ones that have neither a receipt nor a collapse key. */
  readonly onlyMarked?: boolean
  /** How long followed entries stay after their expiry. */
  readonly lateMs?: number
}

/** A transaction as this file sees it. */
export interface LogTransaction {
  readonly now: number
  readonly counts: Record<LogName, RemovalCounts>
  get(key: Buffer): Buffer | undefined
  entryHead(key: Buffer): EntryHead | undefined
  putEntry(key: Buffer, value: Buffer, head: EntryHead): void
  addDue(time: number, key: Buffer): void
  delete(key: Buffer): void
}

interface LogLimits {
  readonly messages: number
  readonly bytes: number
}

/**
 * Offsets looked at in one call. Entries that expired out of order leave holes, and a call that meets many of them leaves
 * the rest to the next one: each hole is passed once.
 */
const LOOKS = 1_024

/** What is stored at the end of a log. */
interface Appendix {
  readonly expiresAt: number
  readonly payloadBytes: number
  readonly marks?: number
  readonly owner?: string
  readonly body?: Buffer | undefined
  encode(offset: number, indexed: boolean): Buffer
}

function goesAt(expiresAt: number, marks: number, lateMs = 0): number {
  return (marks & FOLLOWED) === 0 ? expiresAt : clamp(expiresAt + lateMs)
}

/** An entry came at the end. */
function grow(state: Mutable<LogState>, { offset, payloadBytes, indexed, marks }: EntryHead, goesAt: number): void {
  if (state.count === 0) {
    state.head = offset
    state.dueAt = goesAt
  }
  if (!indexed) state.latestExpiry = goesAt
  state.marks |= marks
  state.last = offset
  state.count += 1
  state.bytes += payloadBytes
  if ((marks & WEB_PUSH) !== 0) {
    state.webPush += 1
    state.webPushBytes += payloadBytes
  }
}

/**
 * A log as it is, from the record of it and the entries that were appended after that was written: an append need not
 * write the record, and all else does. `headAt` gives undefined where there is no entry.
 */
export function grown(
  written: LogState,
  headAt: (offset: number) => EntryHead | undefined,
  lateMs: number | undefined,
): LogState {
  let state: Mutable<LogState> | undefined
  for (let offset = written.last + 1; ; offset += 1) {
    const head = headAt(offset)
    if (head === undefined) return state ?? written
    state ??= { ...written }
    grow(state, head, goesAt(head.expiresAt, head.marks, lateMs))
  }
}

/** A log in a transaction. `state` is what is to be kept of it afterwards. */
export class Log {
  readonly #transaction: LogTransaction
  readonly #kind: LogName
  readonly #prefix: Buffer
  readonly #ending: Ending | undefined
  #state: Mutable<LogState>
  #lastDropped = 0
  #hasLost = false

  /** `prefix`: of the keys of its entries. */
  constructor(transaction: LogTransaction, kind: LogName, prefix: Buffer, state: LogState, ending?: Ending) {
    this.#transaction = transaction
    this.#kind = kind
    this.#prefix = prefix
    this.#ending = ending
    this.#state = { ...state }
  }

  get state(): LogState {
    return this.#state
  }

  /** The highest offset that went because the log was full, in this transaction; 0: none. */
  get lastDropped(): number {
    return this.#lastDropped
  }

  /** An entry has gone from it, or its head has moved, in this transaction. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  /** Something must be done when an entry is acknowledged: they go one by one. */
  get tellsOfAcknowledged(): boolean {
    return (this.#state.marks & (RECEIPT | COLLAPSE)) !== 0
  }

  /** Stores a message at the end, without regard to room. */
  append(message: Message, marks: number, selector?: Selector): { offset: number; bytes: Buffer } {
    return this.add({
      expiresAt: clamp(message.expiresAt),
      payloadBytes: message.payload.byteLength,
      marks,
      encode: (offset, indexed) => encodeEntry({ offset, message, selector, indexed, marks }),
    })
  }

  /** The same for an entry of whichever form. */
  add(appendix: Appendix): { offset: number; bytes: Buffer } {
    const { expiresAt, payloadBytes, marks = 0, owner, body } = appendix
    const state = this.#state
    const offset = state.last + 1
    const goesAt = this.#goesAt(expiresAt, marks)
    const indexed = state.count > 0 && goesAt < state.latestExpiry
    const bytes = appendix.encode(offset, indexed)
    const key = entryKey(this.#prefix, offset)
    const head = { offset, expiresAt, payloadBytes, indexed, marks, owner, body }
    this.#transaction.putEntry(key, bytes, head)
    if (indexed) this.#transaction.addDue(goesAt, key)
    grow(state, head, goesAt)
    return { offset, bytes }
  }

  /** Removes the oldest until a payload fits beside those that came through a Web Push endpoint. Returns how many went that had not expired; `drops` hears of each of them. */
  makeRoom(payloadBytes: number, limits: LogLimits, drops?: (head: EntryHead) => void): number {
    const counts = this.#transaction.counts[this.#kind]
    const before = counts.dropped
    this.#removeWhile(
      ({ count, bytes, webPush, webPushBytes }) =>
        count - webPush >= limits.messages || bytes - webPushBytes + payloadBytes > limits.bytes,
      (head) => {
        const as = this.#forWantOfRoom(head)
        if (as === 'dropped') drops?.(head)
        return as
      },
    )
    return counts.dropped - before
  }

  #forWantOfRoom({ offset, expiresAt }: EntryHead): Ended {
    const counts = this.#transaction.counts[this.#kind]
    if (expiresAt <= this.#transaction.now) {
      counts.expired += 1
      return 'expired'
    }
    counts.dropped += 1
    this.#lastDropped = offset
    return 'dropped'
  }

  /** Removes what is acknowledged: everything up to an offset. */
  trim(through: number): void {
    const state = this.#state
    if (state.count === 0 || state.head > through) return
    const tells = this.#ending !== undefined && (this.#ending.onlyMarked !== true || this.tellsOfAcknowledged)
    if (tells || through < state.last || state.last - state.head >= LOOKS) {
      return this.#removeWhile((rest) => rest.head <= through)
    }
    // All of it: nothing must be read for the sums.
    this.#hasLost = true
    for (let offset = state.head; offset <= state.last; offset += 1) {
      this.#transaction.delete(entryKey(this.#prefix, offset))
    }
    this.#state = emptyLog(state.last)
  }

  /** An entry that is in the log. */
  headAt(offset: number): EntryHead | undefined {
    return offset < this.#state.head ? undefined : this.#transaction.entryHead(entryKey(this.#prefix, offset))
  }

  /** Removes one entry; false if it is not there. */
  removeOne(offset: number, as: Ended = 'acknowledged'): boolean {
    const head = this.headAt(offset)
    if (head === undefined) return false
    this.#remove(entryKey(this.#prefix, offset), head, as)
    return true
  }

  /** The same, but that one which has expired has ended so before. */
  endOne(offset: number, as: Ended): void {
    const head = this.headAt(offset)
    if (head === undefined) return
    this.#remove(entryKey(this.#prefix, offset), head, head.expiresAt <= this.#transaction.now ? 'expired' : as)
  }

  /** The same, for lack of room for it elsewhere. Whether it had not expired. */
  dropOne(offset: number): boolean {
    const head = this.headAt(offset)
    if (head === undefined) return false
    const as = this.#forWantOfRoom(head)
    this.#remove(entryKey(this.#prefix, offset), head, as)
    return as === 'dropped'
  }

  /** Takes one entry out, if it is there, for another place: it has not ended. */
  takeOut(offset: number): Buffer | undefined {
    const head = this.headAt(offset)
    if (head === undefined) return undefined
    const key = entryKey(this.#prefix, offset)
    const bytes = this.#transaction.get(key)
    this.#forget(key, head)
    return bytes
  }

  /** The head moves to the oldest entry, where others than that were removed. */
  passHoles(): void {
    for (let looks = 0; looks < LOOKS && this.#state.count > 0; looks += 1) {
      if (this.#transaction.entryHead(entryKey(this.#prefix, this.#state.head)) !== undefined) return
      this.#hasLost = true
      this.#state.head += 1
    }
  }

  /** Removes what has expired in order, see `LogState`. */
  expireHead(now: number): void {
    const counts = this.#transaction.counts[this.#kind]
    this.#removeWhile(
      (_, head) => head === undefined || this.#goesAt(head.expiresAt, head.marks) <= now,
      () => {
        counts.expired += 1
        return 'expired'
      },
      (head) => {
        this.#state.dueAt = this.#goesAt(head.expiresAt, head.marks)
      },
    )
  }

  /** Removes an entry that is out of order, if it is there and has expired. False: it is there, and has not. */
  expireOne(offset: number, now: number): boolean {
    const head = this.headAt(offset)
    if (head === undefined) return true
    if (this.#goesAt(head.expiresAt, head.marks) > now) return false
    this.#remove(entryKey(this.#prefix, offset), head, 'expired')
    this.#transaction.counts[this.#kind].expired += 1
    return true
  }

  /** The same for what has a due key of its own. Where the setting was changed since, it is due again. */
  expireDue(offset: number, now: number): void {
    const head = this.expireOne(offset, now) ? undefined : this.headAt(offset)
    if (head !== undefined)
      this.#transaction.addDue(this.#goesAt(head.expiresAt, head.marks), entryKey(this.#prefix, offset))
  }

  #goesAt(expiresAt: number, marks: number): number {
    return goesAt(expiresAt, marks, this.#ending?.lateMs)
  }

  /** From the head on, as long as `goes` says so of the log and of the entry there (undefined: not looked at yet). */
  #removeWhile(
    goes: (state: LogState, head?: EntryHead) => boolean,
    ends: (head: EntryHead) => Ended = () => 'acknowledged',
    stays: (head: EntryHead) => void = () => undefined,
  ): void {
    for (let looks = 0; looks < LOOKS && this.#state.count > 0 && goes(this.#state); looks += 1) {
      this.#hasLost = true
      const key = entryKey(this.#prefix, this.#state.head)
      const head = this.#transaction.entryHead(key)
      if (head !== undefined) {
        if (!goes(this.#state, head)) return stays(head)
        this.#remove(key, head, ends(head))
      }
      if (this.#state.count > 0) this.#state.head += 1
    }
  }

  /** The one place where an entry ends. */
  #remove(key: Buffer, head: EntryHead, as: Ended): void {
    if (as === 'replaced' || as === 'recalled' || as === 'purged') this.#transaction.counts[this.#kind][as] += 1
    if (this.#ending !== undefined && (this.#ending.onlyMarked !== true || head.marks !== 0))
      this.#ending.ended(head, as, key)
    this.#forget(key, head)
  }

  #forget(key: Buffer, head: EntryHead): void {
    this.#hasLost = true
    this.#transaction.delete(key)
    if (head.indexed) this.#transaction.delete(dueKey(this.#goesAt(head.expiresAt, head.marks), key))
    this.#state.count -= 1
    this.#state.bytes -= head.payloadBytes
    if ((head.marks & WEB_PUSH) !== 0) {
      this.#state.webPush -= 1
      this.#state.webPushBytes -= head.payloadBytes
    }
    if (this.#state.count === 0) this.#state = emptyLog(this.#state.last)
  }
}
