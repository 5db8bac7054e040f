/** What all kinds of log have in common: appending, room, trimming, expiry. */
import type { Selector } from '../../topics/index.ts'
import type { LogName, Message } from '../contract.ts'
import { clamp } from './bytes.ts'
import { type EntryHead, encodeEntry } from './entry.ts'
import { dueKey, entryKey } from './keys.ts'
import { emptyLog, type LogState, type Mutable } from './records.ts'

export interface RemovalCounts {
  expired: number
  dropped: number
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
  readonly owner?: string
  readonly body?: Buffer | undefined
  encode(offset: number, indexed: boolean): Buffer
}

/** A log in a transaction. `state` is what is to be kept of it afterwards. */
export class Log {
  readonly #transaction: LogTransaction
  readonly #kind: LogName
  readonly #prefix: Buffer
  readonly #removed: ((head: EntryHead) => void) | undefined
  #state: Mutable<LogState>

  /** `prefix`: of the keys of its entries. `removed` hears of each entry that goes. */
  constructor(
    transaction: LogTransaction,
    kind: LogName,
    prefix: Buffer,
    state: LogState,
    removed?: (head: EntryHead) => void,
  ) {
    this.#transaction = transaction
    this.#kind = kind
    this.#prefix = prefix
    this.#removed = removed
    this.#state = { ...state }
  }

  get state(): LogState {
    return this.#state
  }

  /** Stores a message at the end, without regard to room. */
  append(message: Message, selector?: Selector): { offset: number; bytes: Buffer } {
    return this.add({
      expiresAt: clamp(message.expiresAt),
      payloadBytes: message.payload.byteLength,
      encode: (offset, indexed) => encodeEntry({ offset, message, selector, indexed }),
    })
  }

  /** The same for an entry of whichever form. */
  add(appendix: Appendix): { offset: number; bytes: Buffer } {
    const { expiresAt, payloadBytes, owner, body } = appendix
    const state = this.#state
    const offset = state.last + 1
    const indexed = state.count > 0 && expiresAt < state.latestExpiry
    const bytes = appendix.encode(offset, indexed)
    const key = entryKey(this.#prefix, offset)
    this.#transaction.putEntry(key, bytes, { offset, expiresAt, payloadBytes, indexed, owner, body })
    if (indexed) this.#transaction.addDue(expiresAt, key)
    if (state.count === 0) {
      state.head = offset
      state.dueAt = expiresAt
    }
    if (!indexed) state.latestExpiry = expiresAt
    state.last = offset
    state.count += 1
    state.bytes += payloadBytes
    return { offset, bytes }
  }

  /** Removes the oldest until a payload fits. Returns how many went that had not expired; `drops` hears of each of them. */
  makeRoom(payloadBytes: number, limits: LogLimits, drops?: (head: EntryHead) => void): number {
    let dropped = 0
    const counts = this.#transaction.counts[this.#kind]
    this.#removeWhile(
      (state) => state.count >= limits.messages || state.bytes + payloadBytes > limits.bytes,
      (head) => {
        if (head.expiresAt <= this.#transaction.now) {
          counts.expired += 1
        } else {
          dropped += 1
          drops?.(head)
        }
      },
    )
    counts.dropped += dropped
    return dropped
  }

  /** Removes what is acknowledged: everything up to an offset. */
  trim(through: number): void {
    const state = this.#state
    if (state.count === 0 || state.head > through) return
    if (this.#removed !== undefined || through < state.last || state.last - state.head >= LOOKS) {
      return this.#removeWhile((rest) => rest.head <= through)
    }
    // All of it: nothing has to be read for the sums.
    for (let offset = state.head; offset <= state.last; offset += 1) {
      this.#transaction.delete(entryKey(this.#prefix, offset))
    }
    this.#state = emptyLog(state.last)
  }

  /** Removes one entry; false when it is not there. */
  removeOne(offset: number): boolean {
    const key = entryKey(this.#prefix, offset)
    const head = this.#transaction.entryHead(key)
    if (head === undefined || offset < this.#state.head) return false
    this.#remove(key, head)
    this.#removed?.(head)
    return true
  }

  /** Takes one entry out, if it is there, for another place: it is not counted as removed. */
  takeOut(offset: number): Buffer | undefined {
    const key = entryKey(this.#prefix, offset)
    const head = this.#transaction.entryHead(key)
    if (head === undefined || offset < this.#state.head) return undefined
    const bytes = this.#transaction.get(key)
    this.#remove(key, head)
    return bytes
  }

  /** The head moves to the oldest entry, where others than that were removed. */
  passHoles(): void {
    for (let looks = 0; looks < LOOKS && this.#state.count > 0; looks += 1) {
      if (this.#transaction.entryHead(entryKey(this.#prefix, this.#state.head)) !== undefined) return
      this.#state.head += 1
    }
  }

  /** Removes what has expired in order, see `LogState`. */
  expireHead(now: number): void {
    const counts = this.#transaction.counts[this.#kind]
    this.#removeWhile(
      (_, head) => head === undefined || head.expiresAt <= now,
      () => {
        counts.expired += 1
      },
      (head) => {
        this.#state.dueAt = head.expiresAt
      },
    )
  }

  /** Removes an entry that is out of order, if it is there and has expired. False: it is there, and has not. */
  expireOne(offset: number, now: number): boolean {
    const key = entryKey(this.#prefix, offset)
    const head = this.#transaction.entryHead(key)
    if (head === undefined || offset < this.#state.head) return true
    if (head.expiresAt > now) return false
    this.#remove(key, head)
    this.#removed?.(head)
    this.#transaction.counts[this.#kind].expired += 1
    return true
  }

  /** From the head on, as long as `goes` says so of the log and of the entry there (undefined: not looked at yet). */
  #removeWhile(
    goes: (state: LogState, head?: EntryHead) => boolean,
    removed: (head: EntryHead) => void = () => undefined,
    stays: (head: EntryHead) => void = () => undefined,
  ): void {
    for (let looks = 0; looks < LOOKS && this.#state.count > 0 && goes(this.#state); looks += 1) {
      const key = entryKey(this.#prefix, this.#state.head)
      const head = this.#transaction.entryHead(key)
      if (head !== undefined) {
        if (!goes(this.#state, head)) return stays(head)
        this.#remove(key, head)
        this.#removed?.(head)
        removed(head)
      }
      if (this.#state.count > 0) this.#state.head += 1
    }
  }

  #remove(key: Buffer, head: EntryHead): void {
    this.#transaction.delete(key)
    if (head.indexed) this.#transaction.delete(dueKey(head.expiresAt, key))
    this.#state.count -= 1
    this.#state.bytes -= head.payloadBytes
    if (this.#state.count === 0) this.#state = emptyLog(this.#state.last)
  }
}
