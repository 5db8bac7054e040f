/**
 * Removes what has expired. Redis knows for each partition which buckets and upstream logs have something due, and for each app when to
 * look, so that a pass costs what it removes and not what is stored.
 *
 * All nodes sweep, in small portions spread over the pause; a partition or app that one of them has just swept is left
 * alone by the others.
 */
import type { StoreObserver } from '../contract.ts'
import type { Client } from './connection.ts'
import { appsKey, broadcastBase, PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { classify } from './script.ts'
import { asNumber, SWEEP, SWEEP_BROADCAST } from './steps.ts'

interface SweepOptions {
  readonly lanes: Lanes
  readonly client: Client
  readonly prefix: string
  readonly now: () => number
  readonly sweepMs: number
  readonly observer: StoreObserver | undefined
}

/** One pass is made in this many portions. */
const PORTIONS = 16
const PORTION = PARTITIONS / PORTIONS
/**
 * What is due waits for this many pauses, so that a bucket is gone through once for all that became due in it
 * meanwhile. It costs memory for that time; nobody sees what has expired.
 */
const LATE_PAUSES = 10
const BUCKETS_A_STEP = 8
const APPS_A_LOOK = 100
const APP_PAUSE_MS = 60 * 60 * 1000

export class Sweeper {
  readonly #options: SweepOptions
  #timer: NodeJS.Timeout | undefined
  #portion = 0
  #underWay: Promise<void> = Promise.resolve()

  constructor(options: SweepOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), Math.max(1, this.#options.sweepMs / PORTIONS))
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#underWay
  }

  /** Everything that is due, now. */
  async pass(): Promise<void> {
    const before = this.#options.now()
    for (let portion = 0; portion < PORTIONS; portion += 1) await this.#sweepPortion(portion, before, 0)
    await this.#sweepApps(before)
  }

  #tick(): void {
    const { now, sweepMs } = this.#options
    const portion = this.#portion
    this.#portion = (portion + 1) % PORTIONS
    const before = now() - LATE_PAUSES * sweepMs
    this.#underWay = this.#underWay
      .then(() => this.#sweepPortion(portion, before, Math.floor(sweepMs * 0.9)))
      .then(() => (portion === 0 ? this.#sweepApps(before) : undefined))
      // Redis is away, which everybody hears from their own calls; the next tick goes on.
      .catch(() => undefined)
  }

  async #sweepPortion(portion: number, before: number, pause: number): Promise<void> {
    const work: Promise<void>[] = []
    for (let partition = portion * PORTION; partition < (portion + 1) * PORTION; partition += 1) {
      work.push(this.#sweepPartition(partition, before, pause))
    }
    await Promise.all(work)
  }

  async #sweepPartition(partition: number, before: number, pause: number): Promise<void> {
    const { lanes, prefix, observer } = this.#options
    const base = partitionBase(prefix, partition)
    let only = pause
    for (;;) {
      const [expired, more, upstream] = await lanes.run(
        SWEEP,
        base,
        Math.max(0, Math.floor(before)),
        BUCKETS_A_STEP,
        only,
      )
      const count = asNumber(expired)
      if (count > 0) observer?.expired('private', count)
      const upstreamCount = asNumber(upstream)
      if (upstreamCount > 0) observer?.expired('upstream', upstreamCount)
      if (more !== true) return
      only = 0
    }
  }

  async #sweepApps(before: number): Promise<void> {
    const { client, prefix } = this.#options
    // Those that could not be put off are passed over.
    for (let from = 0; ; ) {
      const apps = await client.zrangebyscore(appsKey(prefix), '-inf', before, 'LIMIT', from, APPS_A_LOOK)
      for (const app of apps) if (!(await this.#sweepApp(app, before))) from += 1
      if (apps.length < APPS_A_LOOK) return
    }
  }

  /** False when the app is due still, as Redis has no memory for another time. What it holds expires all the same. */
  async #sweepApp(app: string, before: number): Promise<boolean> {
    const { client, lanes, prefix, observer } = this.#options
    // First put off, then looked at: an append in between sets an earlier time again.
    const isPutOff = await unlessFull(client.zadd(appsKey(prefix), before + APP_PAUSE_MS, app))
    const [expired, again] = await lanes.run(SWEEP_BROADCAST, broadcastBase(prefix, app))
    const count = asNumber(expired)
    if (count > 0) observer?.expired('broadcast', count)
    const next = asNumber(again)
    if (next > 0) await unlessFull(client.zadd(appsKey(prefix), 'LT', next, app))
    return isPutOff
  }
}

/** Whether Redis had memory for it. */
async function unlessFull(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (classify(error) === 'memory') return false
    throw error
  }
}
