/**
 * Group commit: one synced batch at a time. Calls made while a batch is being written go together into the next. A sync
 * costs the same for one call as for a hundred.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { PushError } from '../../errors.ts'
import type { StoreObserver } from '../contract.ts'
import { type Database, unavailable } from './database.ts'
import type { Durable } from './durable.ts'
import { metaKey } from './keys.ts'
import { tellEnded, type Told } from '../watching.ts'
import { type Endings, Transaction } from './transaction.ts'

/** One call of the store that changes something. */
export interface Step<T> {
  /** False: it may be lost when the machine (not only the process) crashes, unless it asks the transaction for more. */
  readonly synced: boolean
  /** About how much it writes. */
  readonly bytes: number
  /** Fetches what cannot be read synchronously. */
  prepare?(transaction: Transaction): Promise<void>
  /** Throws to refuse. */
  apply(transaction: Transaction): T
}

interface Call {
  readonly step: Step<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

interface GroupCommitOptions {
  readonly database: Database
  readonly durable: Durable
  readonly endingsOf: (transaction: Transaction) => Endings
  readonly now: () => number
  readonly observer: StoreObserver | undefined
  readonly tell: (told: readonly Told[]) => void
  readonly beforeSync: ((synced: boolean) => Promise<void>) | undefined
  readonly waitingCalls: number
  readonly waitingBytes: number
}

/** A group takes no more, so that one slow write does not make the next one ever larger. */
const GROUP_CALLS = 1_000
const GROUP_BYTES = 8 * 1024 * 1024
/** A group of more calls is one of a crowd: what a connection does that closes are two. */
const CROWD = 2
/** For so long after a group of a crowd, what need not be synced waits for more, ms: a disk that is waited for gathers as much. */
const PATIENCE_MS = 4
/** Pause before a database that could not be opened again is tried again. */
const RETRY_MS = 500
const PROBE_KEY = metaKey('probe')

const REMOVED = ['expired', 'dropped', 'replaced', 'recalled', 'purged'] as const

export class GroupCommit {
  readonly #options: GroupCommitOptions
  #waiting: Call[] = []
  #waitingBytes = 0
  #open = false
  #running: Promise<void> | undefined
  /** Why the database is closed: a write failed, and what is on disk could not be read again yet. */
  #closedBy: unknown
  /** Since a write failed, none has succeeded. */
  #inDoubt = false
  #isCrowd = false
  #tookAt = -Infinity
  /** Ends the wait for more. */
  #hurry: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  open(): void {
    this.#open = true
  }

  /** Takes no more calls, and waits for those it has. */
  async close(): Promise<void> {
    this.#open = false
    clearTimeout(this.#timer)
    this.#hurry?.()
    await this.#running
  }

  /** Resolves when the disk takes writes, as far as is known; after one that failed, another one has to prove it. */
  async check(): Promise<void> {
    if (!this.#inDoubt) return
    const apply = (transaction: Transaction): void => transaction.put(PROBE_KEY, Buffer.alloc(1))
    await this.submit({ synced: true, bytes: 0, apply })
  }

  /** Calls take effect in the order of their submission. */
  submit<T>(step: Step<T>): Promise<T> {
    const { waitingCalls, waitingBytes } = this.#options
    if (!this.#open) return Promise.reject(unavailable('the embedded store is closed'))
    if (this.#closedBy !== undefined) return Promise.reject(notWritable(this.#closedBy))
    if (this.#waiting.length >= waitingCalls || this.#waitingBytes + step.bytes > waitingBytes) {
      return Promise.reject(unavailable('the disk is too slow for what has to be written'))
    }
    this.#waitingBytes += step.bytes
    const result = new Promise<T>((resolve, reject) => {
      // What a step returns is what its call resolves with.
      this.#waiting.push({ step, resolve: (value) => resolve(value as T), reject })
    })
    this.#running ??= this.#run()
    if (step.synced) this.#hurry?.()
    return result
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What else this turn of the event loop brings joins the group.
      await turn()
      const waiting = this.#gather()
      if (waiting !== undefined) await waiting
      const group = this.#take()
      try {
        await this.#write(group)
      } catch (error) {
        this.#inDoubt = true
        await this.#reread()
        for (const call of group) call.reject(notWritable(error))
      }
      if (this.#closedBy !== undefined) this.#refuseWaiting(this.#closedBy)
    }
    this.#running = undefined
  }

  /** Without a sync a write is over so soon that each has two or three calls, and costs what one of twenty does. */
  #gather(): Promise<void> | undefined {
    const wait = this.#tookAt + PATIENCE_MS - performance.now()
    if (!this.#isCrowd || wait <= 0 || !this.#open || this.#waiting.some(({ step }) => step.synced)) return undefined
    return new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#hurry?.(), wait)
      this.#hurry = () => {
        clearTimeout(timer)
        this.#hurry = undefined
        resolve()
      }
    })
  }

  #refuseWaiting(reason: unknown): void {
    const calls = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const call of calls) call.reject(notWritable(reason))
  }

  #take(): Call[] {
    let bytes = 0
    let calls = 0
    for (const { step } of this.#waiting) {
      if (calls === GROUP_CALLS || (calls > 0 && bytes + step.bytes > GROUP_BYTES)) break
      bytes += step.bytes
      calls += 1
    }
    this.#waitingBytes -= bytes
    this.#tookAt = performance.now()
    this.#isCrowd = calls > CROWD
    if (calls === this.#waiting.length) {
      const all = this.#waiting
      this.#waiting = []
      return all
    }
    return this.#waiting.splice(0, calls)
  }

  async #write(group: readonly Call[]): Promise<void> {
    const { database, beforeSync } = this.#options
    const { transaction, outcomes } = await this.#apply(group)
    const writes = transaction.writes()
    if (writes.size > 0) {
      const synced = transaction.isSynced || group.some(({ step }) => step.synced)
      if (beforeSync !== undefined) await beforeSync(synced)
      await database.write(writes.values(), synced)
      this.#inDoubt = false
    }
    const told = transaction.publish()
    for (const [position, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[position]
      if (outcome instanceof Refusal) reject(outcome.error)
      else resolve(outcome)
    }
    this.#count(transaction)
    this.#options.tell(told)
  }

  /**
   * Runs the calls of a group in order; gives what they return, or why they were refused. A call that changed something
   * before it threw (a damaged value may do that) is left out, and the others run again as if it had not been there.
   */
  async #apply(group: readonly Call[]): Promise<{ transaction: Transaction; outcomes: readonly unknown[] }> {
    const { durable, endingsOf, now } = this.#options
    const time = now()
    const leftOut = new Map<Call, Refusal>()
    for (;;) {
      const transaction = new Transaction(durable, time, endingsOf)
      // Most have nothing to prepare, and an await costs each of them a promise.
      for (const { step } of group) if (step.prepare !== undefined) await step.prepare(transaction)
      const before = leftOut.size
      const outcomes: unknown[] = []
      for (const call of group) {
        const outcome = leftOut.get(call) ?? attempt(call, transaction)
        outcomes.push(outcome)
        if (outcome instanceof Refusal && outcome.halfDone && !leftOut.has(call)) {
          leftOut.set(call, outcome)
          break
        }
      }
      if (leftOut.size === before) return { transaction, outcomes }
    }
  }

  #count({ counts }: Transaction): void {
    const { observer } = this.#options
    if (observer === undefined) return
    for (const each of ['private', 'broadcast', 'upstream', 'event', 'session'] as const) {
      const ofLog = counts[each]
      for (const state of REMOVED) tellEnded(observer, each, state, ofLog[state])
    }
  }

  /**
   * LevelDB may have written a part of what failed, or all of it, and what it appends to a torn record is gone at the next
   * start. Opened again it begins a new file and says what there is, before anything is built on it. While that fails, the
   * database is closed and everything is refused; it is tried again until the disk has room.
   */
  async #reread(): Promise<void> {
    const { database, durable } = this.#options
    try {
      await database.reopen()
      this.#closedBy = undefined
    } catch (error) {
      this.#closedBy = error
      if (this.#open) this.#timer = setTimeout(() => this.#retryNow(), RETRY_MS).unref()
    }
    // Now, because a read during closing may have cached old data.
    durable.forget()
  }

  #retryNow(): void {
    this.#running = this.#retry()
  }

  async #retry(): Promise<void> {
    await this.#reread()
    this.#running = undefined
  }
}

/** LevelDB says which file, and then what is wrong: the last part tells. */
function notWritable(reason: unknown): PushError {
  const { message } = rootOf(reason)
  return new PushError(
    'STORE_UNAVAILABLE',
    `the disk accepts no writes: ${message.slice(message.lastIndexOf(': ') + 1).trim()}`,
    {
      cause: reason,
    },
  )
}

function rootOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? rootOf(error.cause) : error
}

class Refusal {
  readonly error: unknown
  readonly halfDone: boolean

  constructor(error: unknown, halfDone: boolean) {
    this.error = error
    this.halfDone = halfDone
  }
}

/** What the call returns, or a refusal: that needs no disk, but keeps its place in the order. */
function attempt({ step }: Call, transaction: Transaction): unknown {
  const before = transaction.changes
  try {
    return step.apply(transaction)
  } catch (error) {
    return new Refusal(unavailable('the embedded store could not do it', error), transaction.changes > before)
  }
}
