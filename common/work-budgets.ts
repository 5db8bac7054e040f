/**
 * A budget of work per second for each principal. A principal that exceeds it waits until its share has grown again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Turns } from './turns.ts'

interface Debt {
  units: number
  at: number
}

/** Number of sessions to remember before those without debt are forgotten. */
const FIRST_SWEEP = 1024

export class WorkBudgets {
  readonly #perSecond: number
  readonly #turns: Turns
  readonly #now: () => number
  readonly #debts = new Map<string, Debt>()
  #sweepAt = FIRST_SWEEP

  /** Units per second, with a burst of one second; 0 means no limit. `now`: monotonic milliseconds. */
  constructor(perSecond: number, turns: Turns, now: () => number) {
    this.#perSecond = perSecond
    this.#turns = turns
    this.#now = now
  }

  /** How long the session must wait after that much work, ms. */
  spend(session: string, units: number): number {
    if (this.#perSecond === 0 || units === 0) return 0
    const now = this.#now()
    const debt = this.#debts.get(session) ?? this.#start(session, now)
    debt.units = this.#left(debt, now) + units
    debt.at = now
    return this.#waitFor(debt.units)
  }

  /** How long the session must wait for the work done so far, ms. */
  waitOf(session: string): number {
    const debt = this.#debts.get(session)
    return debt === undefined ? 0 : this.#waitFor(this.#left(debt, this.#now()))
  }

  #waitFor(units: number): number {
    return Math.max(0, Math.ceil(((units - this.#perSecond) / this.#perSecond) * 1000))
  }

  /** The same, and waits that long; at least one turn of the event loop. */
  async rest(session: string, units: number): Promise<void> {
    const waitMs = this.spend(session, units)
    if (waitMs > 0) await this.wait(waitMs)
    else await this.#turns.next(session)
  }

  async wait(waitMs: number): Promise<void> {
    await sleep(waitMs, undefined, { ref: false })
  }

  #left({ units, at }: Debt, now: number): number {
    return Math.max(0, units - ((now - at) / 1000) * this.#perSecond)
  }

  #start(session: string, now: number): Debt {
    if (this.#debts.size >= this.#sweepAt) this.#sweep(now)
    const debt = { units: 0, at: now }
    this.#debts.set(session, debt)
    return debt
  }

  #sweep(now: number): void {
    for (const [session, debt] of this.#debts) if (this.#left(debt, now) === 0) this.#debts.delete(session)
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#debts.size * 2)
  }
}
