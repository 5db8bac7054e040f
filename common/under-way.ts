/**
 * How much of one provider is being stored at one time, while others publish too. The rest of it waits here, in its order, and
 * not in the queue of the store, where everybody else would wait behind it. Who is alone has no such limit: many at one time
 * cost the store less. And who has always more for the store lets it rest for as long as it was busy with the last of it: else
 * a write of this provider's would be under way whenever somebody else's comes.
 */
import { PushError } from '../errors.ts'

interface Lane {
  running: number
  /** When the last of it began. */
  usedAt: number
  /** When what is under way began with nothing of it under way before. */
  beganAt: number
  isResting: boolean
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
/** A rest is no shorter (a timer's resolution), and no longer, where the store itself is slow, ms. */
const REST_MS = { least: 1, most: 20 } as const

export class UnderWay {
  readonly #besideOthers: number
  readonly #monotonic: () => number
  readonly #after: (ms: number, then: () => void) => void
  readonly #lanes = new Map<string, Lane>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @param besideOthers at one time, of one provider */
  constructor(
    besideOthers: number,
    monotonic: () => number,
    after = (ms: number, then: () => void): void => void setTimeout(then, ms),
  ) {
    this.#besideOthers = besideOthers
    this.#monotonic = monotonic
    this.#after = after
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
      return Promise.reject(new PushError('RATE_LIMITED', 'this provider has too many messages queued'))
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
      lane = { running: 0, usedAt: 0, beganAt: 0, isResting: false, waiting: new Set(), later: [] }
      this.#lanes.set(provider, lane)
    }
    return lane
  }

  #begin<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    if (lane.running === 0) lane.beganAt = this.#monotonic()
    lane.running += 1
    const result = work()
    const over = (): void => this.#over(lane)
    result.then(over, over)
    return result
  }

  #over(lane: Lane): void {
    lane.running -= 1
    if (lane.isResting) return
    if (this.isAlone || lane.waiting.size === 0) this.#goOn(lane)
    else if (lane.running === 0) this.#rest(lane)
  }

  #rest(lane: Lane): void {
    const took = this.#monotonic() - lane.beganAt
    lane.isResting = true
    this.#after(Math.min(Math.max(took, REST_MS.least), REST_MS.most), () => {
      lane.isResting = false
      this.#goOn(lane)
    })
  }

  #goOn(lane: Lane): void {
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
