/**
 * The right of a node to rely on its table of subscriptions, without asking Redis for the end of their log with each message.
 *
 * While Redis has a lease of a node, a change by another node resolves only when that node has confirmed it, or the lease is
 * over. What this node relies on ends earlier: it counts from before it asked, and Redis from when it was asked. Both measure
 * how long, and compare no clocks.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { SubscriptionLease } from '../contract.ts'
import type { Lanes, Result } from './lanes.ts'
import { asNumber, asText, FOLLOW_SUBSCRIPTIONS } from './steps.ts'

interface SubscriptionLeaseOptions {
  readonly lanes: Pick<Lanes, 'run'>
  /** Of everything about subscriptions. */
  readonly base: string
  /** Milliseconds since the epoch. It goes on while a machine sleeps, as the other does not. */
  readonly now: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
}

/** For how long a change waits at most for a node that died. */
const LASTS_MS = 1_000
/** Fraction of it, after which it is to be renewed while it is used. */
const AGING = 1 / 2

/** A change that was made. */
export interface Followed {
  readonly offset: number
  /** Resolves when no other node relies on a table without it; undefined: none does. */
  readonly everywhere: Promise<unknown> | undefined
}

/** A change that waits for a node. */
interface Waiting {
  readonly node: string
  readonly offset: number
  readonly heard: () => void
}

export class RedisSubscriptionLease implements SubscriptionLease {
  readonly #options: SubscriptionLeaseOptions
  /** When this node asked for what it relies on, by both clocks. */
  #since = { now: 0, monotonic: Number.NEGATIVE_INFINITY }
  /** Until when Redis may have a lease of this node. */
  #knownUntil = Number.NEGATIVE_INFINITY
  /** Redis may have lost leases: one that was given before is over after this time. */
  #lostUntil = Number.NEGATIVE_INFINITY
  /** Counts how often it was given up: a lease that was asked for before is none. */
  #losses = 0
  readonly #waiting = new Set<Waiting>()
  /** Up to where the others have confirmed, while there may be changes that do not know yet whom to wait for. */
  #confirmed = new Map<string, number>()
  #changing = 0

  constructor(options: SubscriptionLeaseOptions) {
    this.#options = options
  }

  get isHeld(): boolean {
    return this.#lasts(LASTS_MS)
  }

  get isAging(): boolean {
    return !this.#lasts(LASTS_MS * AGING)
  }

  #lasts(ms: number): boolean {
    const { now, monotonic } = this.#options
    return monotonic() - this.#since.monotonic < ms && now() - this.#since.now < ms
  }

  async renew(readTo: (end: number) => Promise<void> | undefined): Promise<void> {
    const { lanes, base, now, monotonic } = this.#options
    const since = { now: now(), monotonic: monotonic() }
    const losses = this.#losses
    // What is not answered yet may be done.
    this.#knownUntil = Math.max(this.#knownUntil, since.monotonic + LASTS_MS)
    let end: number
    try {
      end = asNumber((await lanes.run(FOLLOW_SUBSCRIPTIONS, base, LASTS_MS, 0))[0])
    } finally {
      // What was not answered may have been done.
      this.#knownUntil = monotonic() + LASTS_MS
    }
    await readTo(end)
    if (this.#losses === losses) this.#since = since
  }

  async confirm(offset: number, nodes: readonly string[]): Promise<void> {
    const { lanes, base, monotonic } = this.#options
    if (monotonic() < this.#knownUntil) await lanes.run(FOLLOW_SUBSCRIPTIONS, base, 0, offset, ...nodes)
  }

  /** Redis is another one than before, or may become one: it may not know of leases that were given. */
  lost(): void {
    this.giveUp()
    this.#lostUntil = this.#options.monotonic() + LASTS_MS
  }

  /** The table of this node lacks what it has changed itself. */
  giveUp(): void {
    this.#losses += 1
    this.#since = { now: 0, monotonic: Number.NEGATIVE_INFINITY }
  }

  /** Runs a change. */
  async followed(change: () => Promise<Result>): Promise<Followed> {
    this.#changing += 1
    try {
      const result = await change()
      const offset = asNumber(result[0])
      const waits = this.#waitsFor(offset, result)
      return { offset, everywhere: waits.length === 0 ? undefined : Promise.all(waits) }
    } finally {
      this.#changing -= 1
      if (this.#changing === 0) this.#confirmed.clear()
    }
  }

  /** Of `change_subscriptions`: { offset, node, how long its lease lasts, ... } */
  #waitsFor(offset: number, result: Result): readonly Promise<void>[] {
    const waits: Promise<void>[] = []
    const lost = this.#lostUntil - this.#options.monotonic()
    if (lost > 0) waits.push(pause(lost, undefined, { ref: false }))
    for (let at = 1; at + 1 < result.length; at += 2) {
      const node = asText(result[at])
      if ((this.#confirmed.get(node) ?? 0) < offset) waits.push(this.#wait(node, offset, asNumber(result[at + 1])))
    }
    return waits
  }

  #wait(node: string, offset: number, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const heard = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        resolve()
      }
      const timer = setTimeout(heard, ms).unref()
      const waiting = { node, offset, heard }
      this.#waiting.add(waiting)
    })
  }

  /** Another node has read up to an offset. */
  confirmed(node: string, offset: number): void {
    if (this.#changing > 0) this.#confirmed.set(node, Math.max(offset, this.#confirmed.get(node) ?? 0))
    for (const waiting of this.#waiting) if (waiting.node === node && waiting.offset <= offset) waiting.heard()
  }
}
