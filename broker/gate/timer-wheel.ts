/**
 * One timer for all connections: a wheel with slots of a tenth of a second replaces a timer per connection, for keep
 * alive, the CONNECT timeout and stalled writes. Callbacks run within two ticks of their time, as long as the event
 * loop runs.
 */

export interface Timed {
  /** Where it waits, for the wheel alone; undefined: nowhere. */
  slot: number | undefined
  /** Called when it is due, never before; returns when to call again, by the same clock, 0 for never. */
  due(now: number): number
}

const TICK_MS = 100
const SLOTS = 5120

export class TimerWheel {
  readonly #monotonic: () => number
  readonly #slots: (Set<Timed> | undefined)[] = new Array<Set<Timed> | undefined>(SLOTS).fill(undefined)
  #timer: NodeJS.Timeout | undefined
  #tick: number

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
    this.#tick = Math.floor(monotonic() / TICK_MS)
  }

  /** Sets, or moves, when `timed` is due. */
  set(timed: Timed, dueAt: number): void {
    this.clear(timed)
    const tick = Math.max(Math.ceil(dueAt / TICK_MS), this.#tick + 1)
    // What is due later than one turn of the wheel is checked once a turn, and asked again.
    const slot = tick - this.#tick >= SLOTS ? this.#tick % SLOTS : tick % SLOTS
    const set = this.#slots[slot] ?? new Set<Timed>()
    this.#slots[slot] = set
    set.add(timed)
    timed.slot = slot
    this.#timer ??= setInterval(() => this.#advance(), TICK_MS).unref()
  }

  clear(timed: Timed): void {
    if (timed.slot === undefined) return
    this.#slots[timed.slot]?.delete(timed)
    timed.slot = undefined
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#slots.fill(undefined)
  }

  #advance(): void {
    const now = this.#monotonic()
    const current = Math.floor(now / TICK_MS)
    // A process that slept: one whole turn looks at every slot.
    const steps = Math.min(Math.max(current - this.#tick, 0), SLOTS)
    for (let step = 0; step < steps; step++) this.#run((current - steps + 1 + step) % SLOTS, current, now)
    this.#tick = current
  }

  #run(slot: number, current: number, now: number): void {
    const set = this.#slots[slot]
    if (set === undefined || set.size === 0) return
    this.#slots[slot] = undefined
    this.#tick = current
    for (const timed of set) {
      timed.slot = undefined
      const next = timed.due(now)
      if (next > 0) this.set(timed, next)
    }
  }
}
