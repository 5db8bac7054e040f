/** What becomes of the messages of one private log, as plainly as it can be said. Offsets are those that the store gave. */
import {
  type LogEntry,
  type Message,
  type MessageState,
  type Missed,
  type PassedAs,
  receiptPayload,
  receiptSubject,
  type TokenId,
} from '../../../store/contract.ts'
import { fingerprintOf } from '../../../store/message.ts'

/** When it begins. */
export const START = 1_800_000_000_000

interface ModelEntry {
  readonly offset: number
  readonly message: Message
  readonly isRemembered: boolean
  isSkipped: boolean
}

interface Remembered {
  readonly offset: number
  readonly until: number
  readonly message: Message
  end: MessageState | undefined
  /** When it ended. */
  sight: Sight | undefined
}

/** Whether somebody may have seen a message; where that is not certain, the store may say so without need. */
interface Sight {
  readonly isSeen: boolean
  readonly isCertain: boolean
}

interface FollowLimits {
  readonly privateMessages: number
  readonly privateBytes: number
  readonly dedupeMs: number
  readonly lateAckMs: number
}

export interface ModelCommit {
  readonly private: number
  readonly skipped: readonly number[]
  readonly taken: readonly number[]
  readonly passedAs: readonly (readonly [offset: number, as: PassedAs])[]
}

export class FollowModel {
  now = START
  cursor: number
  /** Of every message that was stored. */
  readonly offsets: number[] = []
  readonly events: string[] = []
  missed: Missed | undefined
  retained: ModelEntry | undefined
  #entries: ModelEntry[] = []
  readonly #ids = new Map<string, Remembered>()
  readonly #limits: FollowLimits
  readonly #tokenId: TokenId
  #last: number
  #seen = 0
  #isHeld = false
  /** A session was ended by a revocation, and its connection may be there still. */
  #isUnclosed = false

  constructor(limits: FollowLimits, tokenId: TokenId, begin: number) {
    this.#tokenId = tokenId
    this.#limits = limits
    this.cursor = begin
    this.#last = begin
  }

  /** `given`: by the store, where it stores the message. */
  append(message: Message, dedupe: boolean, given: number | undefined): unknown {
    const known = dedupe ? this.#known(message.id) : undefined
    if (known !== undefined) {
      if (!fingerprintOf(message).equals(fingerprintOf(known.message))) return 'ID_REUSED'
      const { offset } = known
      return { offset, duplicate: true, dropped: 0, expiresAt: known.message.expiresAt }
    }
    const offset = given ?? 0
    const { expiresAt, collapseKey } = message
    const older = this.#entries.find((entry) => entry.message.collapseKey === collapseKey && this.#lives(entry))
    if (collapseKey !== undefined && older !== undefined) this.#end(older, 'replaced')
    const dropped = this.#makeRoom(message.payload.length)
    const entry = { offset, message, isRemembered: dedupe, isSkipped: false }
    this.#entries.push(entry)
    this.#last = offset
    this.offsets.push(offset)
    const until = Math.max(this.now + this.#limits.dedupeMs, expiresAt)
    if (dedupe) this.#ids.set(message.id, { offset, until, message, end: undefined, sight: undefined })
    if (message.retain) this.retained = message.payload.length === 0 ? undefined : entry
    return { offset, duplicate: false, dropped, expiresAt }
  }

  #makeRoom(bytes: number): number {
    let dropped = 0
    const { privateMessages, privateBytes } = this.#limits
    const isFull = () =>
      this.#entries.length >= privateMessages ||
      this.#entries.reduce((sum, { message }) => sum + message.payload.length, bytes) > privateBytes
    for (let [oldest] = this.#entries; oldest !== undefined && isFull(); [oldest] = this.#entries) {
      if (this.#lives(oldest)) {
        dropped += 1
        const count = (this.missed?.count ?? 0) + 1
        this.missed = { count, through: Math.max(this.cursor, oldest.offset) }
        this.#end(oldest, 'dropped')
      } else this.#end(oldest, 'expired')
    }
    return dropped
  }

  commit(commit: ModelCommit): void {
    const before = this.cursor
    this.cursor = Math.max(before, Math.min(commit.private, this.#last))
    for (const entry of [...this.#entries]) {
      const { offset } = entry
      const isPassed = offset > before && offset <= this.cursor
      if (isPassed && commit.skipped.includes(offset)) entry.isSkipped = true
      const isTaken = entry.isSkipped && commit.taken.includes(offset)
      if ((!isPassed || entry.isSkipped) && !isTaken) continue
      const named = commit.passedAs.find(([each]) => each === offset)
      this.#end(entry, named !== undefined && this.#isFollowed(entry) ? named[1] : 'acknowledged')
    }
    if (this.missed !== undefined && this.cursor > this.missed.through) this.missed = undefined
  }

  purge(): void {
    const isUnclosed = this.#isUnclosed || this.#isHeld
    this.close()
    this.#isUnclosed = isUnclosed
    for (const entry of [...this.#entries]) this.#end(entry, this.#lives(entry) ? 'purged' : 'expired')
    this.cursor = this.#last
    this.missed = undefined
    this.retained = undefined
  }

  sweep(): void {
    for (const entry of [...this.#entries]) {
      const late = this.#isFollowed(entry) ? this.#limits.lateAckMs : 0
      if (entry.message.expiresAt + late <= this.now) this.#end(entry, 'expired')
    }
  }

  /** `saidSeen`: by the store. */
  recall(id: string, saidSeen: boolean): object | undefined {
    const found = this.#find(id)
    if (found === undefined) return undefined
    const { offset, state, storedAt, expiresAt } = found
    const entry = this.#entries.find((each) => each.offset === offset)
    const { isSeen, isCertain } = this.#known(id)?.sight ?? this.#sightOf(offset, state)
    const mayHaveBeenSeen = isSeen || (!isCertain && saidSeen)
    if (state === 'pending' && entry !== undefined) this.#end(entry, 'recalled')
    if (this.retained?.offset === offset) this.retained = undefined
    return { state: state === 'pending' ? 'recalled' : state, storedAt, expiresAt, mayHaveBeenSeen }
  }

  #sightOf(offset: number, state: MessageState): Sight {
    const isSeen = state === 'acknowledged' || state === 'sent' || this.#isHeld || offset <= this.#seen
    return { isSeen, isCertain: state !== 'expired' && offset > this.cursor && !this.#isUnclosed }
  }

  status(id: string): object | undefined {
    const found = this.#find(id)
    if (found === undefined) return undefined
    const { state, storedAt, expiresAt } = found
    return { state, storedAt, expiresAt }
  }

  /** Ids and offsets. */
  pending(): (readonly [string, number])[] {
    return this.#entries
      .filter((entry) => this.#lives(entry))
      .map(({ message, offset }) => [message.id, offset] as const)
  }

  expired(): number[] {
    const over = this.#entries.filter((entry) => !this.#lives(entry) && this.#isFollowed(entry))
    return over.map(({ offset }) => offset)
  }

  retainedId(): string | undefined {
    return this.retained !== undefined && this.#lives(this.retained) ? this.retained.message.id : undefined
  }

  seen(entries: readonly LogEntry[]): void {
    this.#seen = Math.max(this.#seen, entries.at(-1)?.offset ?? 0)
  }

  open(): void {
    this.#isHeld = true
  }

  close(): void {
    if (this.#isHeld) this.#seen = this.#last
    this.#isHeld = false
    this.#isUnclosed = false
  }

  #find(id: string): { offset: number; state: MessageState; storedAt: number; expiresAt: number } | undefined {
    const known = this.#known(id)
    const entry = this.#entries.find((each) =>
      known === undefined ? each.message.id === id && this.#lives(each) : each.offset === known.offset,
    )
    const message = known?.message ?? entry?.message
    const offset = known?.offset ?? entry?.offset
    if (message === undefined || offset === undefined) return undefined
    const there = entry === undefined ? 'acknowledged' : this.#lives(entry) ? 'pending' : 'expired'
    return { offset, state: known?.end ?? there, storedAt: message.storedAt, expiresAt: message.expiresAt }
  }

  #known(id: string): Remembered | undefined {
    const known = this.#ids.get(id)
    return known !== undefined && known.until > this.now ? known : undefined
  }

  #end(entry: ModelEntry, as: Exclude<MessageState, 'pending'>): void {
    this.#entries = this.#entries.filter((each) => each !== entry)
    const { offset, message, isRemembered } = entry
    const known = this.#ids.get(message.id)
    if (isRemembered && known?.offset === offset && as !== 'acknowledged') {
      known.end = as
      known.sight = this.#sightOf(offset, as)
    }
    if (message.receipt === true)
      this.events.push(`${message.id} ${receiptSubject(as)} ${receiptPayload(this.#tokenId, offset)}`)
  }

  #isFollowed({ isRemembered, message }: ModelEntry): boolean {
    return isRemembered || message.receipt === true
  }

  #lives({ message }: ModelEntry): boolean {
    return message.expiresAt > this.now
  }
}
