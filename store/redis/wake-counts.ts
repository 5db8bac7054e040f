/**
 * Finds out that a wake was lost, without a look at each session: every lane counts the messages that it told this node, and
 * each message says its number. A number that is missing, or a count that is above what was heard, is a loss.
 *
 * A count is asked for, and compared half a recheck later, as its message may be under way until then. So a loss is found within
 * a recheck, for two looks at each lane in that time: one lane on a single server, 256 in a Cluster, however many sessions
 * there are.
 */
import type { Lanes } from './lanes.ts'
import { asNumber, COUNT_WAKES } from './steps.ts'

interface WakeCountsOptions {
  readonly lanes: Pick<Lanes, 'run'>
  /** A base of each lane that tells of sessions, by the lane. */
  readonly baseOf: ReadonlyMap<string, string>
  /** Within which a loss is found. */
  readonly recheckMs: number
  /** Wakes were lost: everything is to be looked at. */
  readonly lost: () => void
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
}

interface Known {
  readonly lane: string
  readonly base: string
  /** The number of the last message that arrived. */
  heard: number
  /** What the lane had told when it was last asked. */
  told: number
  isAsked: boolean
}

/** The lanes are asked in this many portions. */
const PORTIONS = 16

export class WakeCounts {
  readonly #options: WakeCountsOptions
  readonly #lanes: ReadonlyMap<string, Known>
  #timer: NodeJS.Timeout | undefined
  #portion = 0
  #isLost = false
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: WakeCountsOptions) {
    this.#options = options
    this.#lanes = new Map(
      Array.from(options.baseOf, ([lane, base]) => [lane, { lane, base, heard: 0, told: 0, isAsked: false }]),
    )
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), this.#halfMs / PORTIONS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A message of this lane has arrived. */
  heard(lane: string, count: number): void {
    const known = this.#lanes.get(lane)
    if (known === undefined) return
    if (count !== known.heard + 1) this.#isLost = true
    known.heard = count
  }

  /** What is answered to nobody may have been a wake: calls of this node are not told what they do by a message. */
  doubt(): void {
    this.#isLost = true
  }

  get #halfMs(): number {
    return this.#options.recheckMs / 2
  }

  #tick(): void {
    const portion = this.#portion
    this.#portion = (portion + 1) % PORTIONS
    const lanes = [...this.#lanes.values()].filter((known, place) => place % PORTIONS === portion && !known.isAsked)
    if (lanes.length === 0) return
    Promise.all(lanes.map((known) => this.#ask(known))).then(
      () => this.#tell(),
      // Redis is away, which everybody hears from their own calls; its return is a gap.
      () => undefined,
    )
  }

  async #ask(known: Known): Promise<void> {
    // All that it had told when it was last asked has arrived by now.
    if (known.heard < known.told) this.#begin(known, known.told)
    const before = known.heard
    known.isAsked = true
    try {
      const [told] = await this.#options.lanes.run(COUNT_WAKES, known.base)
      known.told = asNumber(told)
      // Redis was emptied, or lost its newest writes, and counts from there.
      if (known.told < before) this.#begin(known, known.told)
    } finally {
      known.isAsked = false
    }
  }

  #begin(known: Known, count: number): void {
    this.#isLost = true
    known.heard = count
  }

  /** Not more often than counts are compared, as everything is looked at then. */
  #tell(): void {
    const now = this.#options.monotonic()
    if (!this.#isLost || now < this.#toldAt + this.#halfMs) return
    this.#isLost = false
    this.#toldAt = now
    this.#options.lost()
  }
}
