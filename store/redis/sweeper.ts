/**
 * Removes what has expired, tells of wills that are due, and closes what a node held that died. Redis knows for each partition
 * which buckets and logs have something due, and for each app when to look, so that a pass costs what it removes and not what
 * is stored; the sessions of a partition are gone through only where a node died.
 *
 * All nodes sweep, in small portions spread over the pause; a partition or app that one of them has just swept is left
 * alone by the others.
 */
import type { StoreObserver } from '../contract.ts'
import type { Client } from './connection.ts'
import { type Events, tokenIdOf } from './events.ts'
import { appsKey, broadcastBase, PARTITIONS, partitionBase, subscriptionsBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import type { NamedSessions } from './named.ts'
import type { Nodes } from './nodes.ts'
import type { Packed } from './pack.ts'
import { classify } from './script.ts'
import type { RedisTables } from './tables.ts'
import { asList, asNumber, asText, CLOSE_DEAD, SWEEP, SWEEP_BROADCAST, SWEEP_SUBSCRIPTIONS } from './steps.ts'

interface SweepOptions {
  readonly lanes: Lanes
  readonly client: Client
  readonly prefix: string
  readonly now: () => number
  readonly sweepMs: number
  readonly observer: StoreObserver | undefined
  readonly events: Events
  readonly named: NamedSessions
  readonly nodes: Nodes
  readonly tables: Pick<RedisTables, 'sweep'>
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
/** What a sweep counts of messages that had expired, in the order in which it answers. */
const EXPIRED = ['private', 'upstream', 'event', 'session'] as const
const START = '0'

export class Sweeper {
  readonly #options: SweepOptions
  #timer: NodeJS.Timeout | undefined
  #portion = 0
  #underWay: Promise<void> = Promise.resolve()
  /** Nodes that are dead, as of the first portion of this pass; undefined if a portion of it failed. */
  #dead: readonly string[] | undefined

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
    const { now, nodes } = this.#options
    const before = now()
    const dead = await nodes.beat()
    for (let portion = 0; portion < PORTIONS; portion += 1) await this.#sweepPortion(portion, before, 0, dead)
    await nodes.forget(dead)
    await this.#sweepUnpartitioned(before)
  }

  #tick(): void {
    const { now, sweepMs } = this.#options
    const portion = this.#portion
    this.#portion = (portion + 1) % PORTIONS
    const before = now() - LATE_PAUSES * sweepMs
    this.#underWay = this.#underWay
      .then(() => this.#visit(portion, before, Math.floor(sweepMs * 0.9)))
      // Redis is away, which everybody hears from their own calls; the next tick goes on.
      .catch(() => {
        this.#dead = undefined
      })
  }

  async #visit(portion: number, before: number, pause: number): Promise<void> {
    const { nodes } = this.#options
    if (portion === 0) this.#dead = await nodes.beat()
    await this.#sweepPortion(portion, before, pause, this.#dead ?? [])
    if (portion === PORTIONS - 1) await nodes.forget(this.#dead ?? [])
    if (portion === 0) await this.#sweepUnpartitioned(before)
  }

  async #sweepPortion(portion: number, before: number, pause: number, dead: readonly string[]): Promise<void> {
    const work: Promise<void>[] = []
    for (let partition = portion * PORTION; partition < (portion + 1) * PORTION; partition += 1) {
      const base = partitionBase(this.#options.prefix, partition)
      work.push(this.#sweepPartition(base, before, pause))
      if (dead.length > 0) work.push(this.#closeDead(base, dead))
    }
    await Promise.all(work)
  }

  async #sweepPartition(base: string, before: number, pause: number): Promise<void> {
    const { lanes, observer } = this.#options
    const due = Math.max(0, Math.floor(before))
    let only = pause
    for (;;) {
      const [more, ...rest] = await lanes.run(SWEEP, base, due, BUCKETS_A_STEP, only)
      for (const [at, destination] of EXPIRED.entries()) {
        const count = asNumber(rest[at])
        if (count > 0) observer?.expired(destination, count)
      }
      const [ended, wills] = rest.slice(EXPIRED.length)
      this.#tellWills(asList(wills))
      await this.#endSubscriptions(asList(ended))
      if (more !== true) return
      only = 0
    }
  }

  /** The sessions that these nodes hold. */
  async #closeDead(base: string, dead: readonly string[]): Promise<void> {
    const { lanes, nodes } = this.#options
    let cursor = START
    do {
      const [next, ...ended] = await lanes.run(CLOSE_DEAD, base, cursor, nodes.silentSince(), ...dead)
      cursor = asText(next)
      await this.#endSubscriptions(ended)
    } while (cursor !== START)
  }

  /** { name, epoch, ... } */
  async #endSubscriptions(ended: readonly Packed[]): Promise<void> {
    const work: Promise<void>[] = []
    for (let at = 0; at + 1 < ended.length; at += 2) {
      work.push(this.#options.named.endSubscriptions(asText(ended[at]), asNumber(ended[at + 1])))
    }
    await Promise.all(work)
  }

  /** { token id or false, name or false, epoch, ... } */
  #tellWills(wills: readonly Packed[]): void {
    for (let at = 0; at + 2 < wills.length; at += 3) {
      const [id, name, epoch] = wills.slice(at, at + 3)
      const session = id instanceof Buffer ? { tokenId: tokenIdOf(id) } : { name: asText(name) }
      this.#options.events.willDue(session, asNumber(epoch))
    }
  }

  async #sweepUnpartitioned(before: number): Promise<void> {
    const { lanes, prefix, tables } = this.#options
    await lanes.run(SWEEP_SUBSCRIPTIONS, subscriptionsBase(prefix))
    await tables.sweep(before)
    await this.#sweepApps(before)
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

  /** False if the app is due still, as Redis has no memory for another time. What it holds expires all the same. */
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
