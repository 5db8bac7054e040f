/**
 * How much of one provider is being stored at one time, while others publish too. The rest of it waits here, in its order, and
 * not in the queue of the store, where everybody else would wait behind it. Who is alone has no such limit: many at one time
 * cost the store less.
 */
import { PushError } from '../errors.ts'

interface Lane {
  running: number
  /** When the last of it began. */
  usedAt: number
  readonly waiting: Set<() => void>
  /** Who has more for it, and does not take it up yet. */
  readonly later: (() => void)[]
}

/** Who has stored nothing for this time is not there, ms. */
const IDLE_MS = 10_000
/** Between two looks for those, ms. */
const LOOK_MS = 1_000
/** More of one provider is refused: nobody is served by a longer queue. */
const MOST_WAITING = 20_000
/** What more waits is left where it is: what is taken up and waits is what a collection of garbage has to copy. */
const ROOM = 16

export class UnderWay {
  readonly #besideOthers: number
  readonly #monotonic: () => number
  readonly #lanes = new Map<string, Lane>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @param besideOthers at one time, of one provider */
  constructor(besideOthers: number, monotonic: () => number) {
    this.#besideOthers = besideOthers
    this.#monotonic = monotonic
  }

  /** Begins at once where there is room. @throws RATE_LIMITED (rejects) */
  run<T>(provider: string, work: () => Promise<T>): Promise<T> {
    const now = this.#monotonic()
    if (now - this.#lookedAt >= LOOK_MS) this.#forgetIdle(now)
    const lane = this.#laneOf(provider)
    const { waiting } = lane
    lane.usedAt = now
    // Not even counted, so that it costs nothing.
    if (this.isAlone && waiting.size === 0) return work()
    if (lane.running < this.#besideOthers && waiting.size === 0) return this.#begin(lane, work)
    if (waiting.size >= MOST_WAITING)
      return Promise.reject(new PushError('RATE_LIMITED', 'this provider has too much under way'))
    return new Promise<T>((resolve, reject) => {
      const begin = (): void => {
        waiting.delete(begin)
        this.#begin(lane, work).then(resolve, reject)
      }
      waiting.add(begin)
    })
  }

  /** What to await before more of a provider is taken up, if anything. */
  room(provider: string): Promise<void> | undefined {
    if (this.isAlone) return undefined
    const lane = this.#lanes.get(provider)
    if (lane === undefined || lane.waiting.size < ROOM) return undefined
    return new Promise((resolve) => void lane.later.push(resolve))
  }

  /** At most one provider has stored something lately. */
  get isAlone(): boolean {
    return this.#lanes.size <= 1
  }

  #laneOf(provider: string): Lane {
    let lane = this.#lanes.get(provider)
    if (lane === undefined) {
      lane = { running: 0, usedAt: 0, waiting: new Set(), later: [] }
      this.#lanes.set(provider, lane)
    }
    return lane
  }

  #begin<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    lane.running += 1
    const result = work()
    const over = (): void => this.#over(lane)
    result.then(over, over)
    return result
  }

  #over(lane: Lane): void {
    lane.running -= 1
    for (const begin of lane.waiting) {
      if (lane.running >= this.#besideOthers && !this.isAlone) break
      begin()
    }
    // Each adds one at least, a little later; with nothing under way, nobody would come by again.
    const room = lane.running === 0 || this.isAlone ? Number.POSITIVE_INFINITY : ROOM - lane.waiting.size
    if (lane.later.length > 0 && room > 0) for (const resolve of lane.later.splice(0, room)) resolve()
  }

  #forgetIdle(now: number): void {
    this.#lookedAt = now
    for (const [provider, { running, waiting, later, usedAt }] of this.#lanes)
      if (running === 0 && waiting.size === 0 && later.length === 0 && now - usedAt >= IDLE_MS)
        this.#lanes.delete(provider)
  }
}
