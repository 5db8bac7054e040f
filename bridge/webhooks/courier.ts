/** Delivers one webhook: reads a batch, records it, sends it until it arrives, acknowledges it, and reads the next. */
import type { FastifyBaseLogger } from 'fastify'
import type { Metrics } from '../../common/metrics.ts'
import { Slots } from '../../common/slots.ts'
import { PushError } from '../../errors.ts'
import { appOfEventLog, type Store, type UpstreamEntry } from '../../store/contract.ts'
import { EventPage, type PageLimits } from '../events/event-page.ts'
import type { EventTypes } from '../events/event-types.ts'
import { Standing } from '../events/standing.ts'
import { Alarm } from './alarm.ts'
import { isPassed, LARGEST_BATCH, makeBatch } from './batch.ts'
import type { CallSlots } from './call-slots.ts'
import type { Batch } from './delivery-row.ts'
import { HeldDelivery, TakenOver } from './held.ts'
import type { Members } from './members.ts'
import { keeps, logsOf, type Readers, readerOf, typesOf } from './readers.ts'
import { longestPause, pauseAfter } from './schedule.ts'
import type { Outcome, Sender } from './sender.ts'
import { signatureHeaders } from './signature.ts'
import type { DisabledReason, Webhook } from './webhook-row.ts'

export interface CourierContext {
  readonly store: Store
  readonly members: Pick<Members, 'id' | 'isSure' | 'isGone'>
  readonly readers: Readers
  readonly slots: CallSlots
  readonly pages: Slots
  readonly metrics: Metrics
  readonly logger: Pick<FastifyBaseLogger, 'debug' | 'warn'>
  readonly limits: Omit<PageLimits, 'events'>
  /** Seconds. */
  readonly retries: readonly number[]
  /** Whether its key still allows it. @throws STORE_UNAVAILABLE */
  readonly isAllowed: (webhook: Webhook) => boolean
  /** Whether it exists, is enabled and has this position in the store. @throws STORE_UNAVAILABLE */
  readonly isCurrent: (webhook: Webhook) => Promise<boolean>
  /** @throws STORE_UNAVAILABLE */
  readonly disable: (webhook: Webhook, because: DisabledReason) => Promise<void>
  readonly makeSender: () => Sender
  readonly now: () => number
  readonly monotonic: () => number
  /** From 0 to 1. */
  readonly random: () => number
  readonly randomId: () => string
}

/** Delay before it checks again if it is not this node's turn, or something failed, ms. */
const AGAIN_MS = 1_000
/** Interval of checks of its own data, ms. */
const RECHECK_MS = 30_000
/**
 * Interval of checks of all parts of its logs in the store, in case a wake was lost, and to extend its readers, ms.
 * Each check is a step for every part; more often, idle webhooks would cost more than busy ones.
 */
const LOOK_MS = 600_000
/** Kept events are released in this many steps, none shorter than this, ms. */
const RELEASES = 24
const SHORTEST_RELEASE_MS = 60_000
/** Where nothing is kept, to prolong the reader that keeps, ms. */
const IDLE_RELEASE_MS = 3_600_000

export class Courier {
  readonly #context: CourierContext
  readonly #alarm = new Alarm()
  readonly #gone = new AbortController()
  readonly #sender: Sender
  readonly #standings = new Map<string, Standing>()
  readonly #listening = new Map<string, () => void>()
  #webhook: Webhook
  #types: EventTypes
  #held: HeldDelivery | undefined
  /** Delivered, and not acknowledged yet. */
  #arrived: Batch | undefined
  /** By the monotonic clock. */
  #dueAt = 0
  #releaseAt: number
  /** Something that was delivered may be kept. */
  #keepsSome = true
  #isStopped = false
  readonly #running: Promise<void>

  constructor(context: CourierContext, webhook: Webhook) {
    this.#context = context
    this.#webhook = webhook
    this.#types = typesOf(webhook)
    this.#sender = context.makeSender()
    this.#releaseAt = context.monotonic() + this.#releaseMs
    this.#running = this.#run()
  }

  get webhook(): Webhook {
    return this.#webhook
  }

  /** It is another one now. */
  change(webhook: Webhook): void {
    const { url, place, enabledAt } = this.#webhook
    this.#webhook = webhook
    this.#types = typesOf(webhook)
    if (webhook.place !== place) this.#standings.clear()
    if (webhook.url !== url || webhook.enabledAt !== enabledAt) this.#dueAt = 0
    this.#alarm.wake()
  }

  heard(log: string, part: number, offset: number, entry: UpstreamEntry | undefined): void {
    const standing = this.#standings.get(log)
    if (standing === undefined) return
    standing.grown(part, offset)
    const isWanted = appOfEventLog(log) === undefined || entry === undefined || this.#types.hasEvent(entry.subject)
    if (isWanted) this.#alarm.wake()
  }

  /** Wakes may have been lost. */
  doubt(): void {
    for (const standing of this.#standings.values()) standing.doubt()
    this.#alarm.wake()
  }

  /** What holds no more is disabled, also where nothing happens. */
  lookAtKey(): void {
    try {
      if (!this.#context.isAllowed(this.#webhook)) this.#alarm.wake()
    } catch {
      // Whether it holds is not known: nothing is sent by it meanwhile.
    }
  }

  /** Who is there may be others, or this node may not be sure any more. */
  recheck(): void {
    if (this.#context.members.isSure) this.#alarm.wake()
    else this.abort()
  }

  /** Ends the attempt in flight. Whichever node then delivers makes it again. */
  abort(): void {
    this.#isStopped = true
    this.#gone.abort()
    this.#alarm.wake()
  }

  /** Resolves when nothing is in flight, and others may take over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#alarm.wake()
    await this.#running
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const pauseMs = await this.#step()
        if (pauseMs > 0 && !this.#isStopped) await this.#alarm.wait(pauseMs)
      } catch (error) {
        this.#failed(error)
        this.#held = undefined
        if (!this.#isStopped) await this.#alarm.wait(AGAIN_MS)
      }
    }
    await this.#leave()
  }

  /** Returns how long to wait for the next step, ms. */
  async #step(): Promise<number> {
    const { members, monotonic, isAllowed, disable } = this.#context
    if (!members.isSure) return AGAIN_MS
    const held = await this.#hold()
    if (held === undefined) return AGAIN_MS
    if (!isAllowed(this.#webhook)) {
      await disable(this.#webhook, 'credentials')
      return AGAIN_MS
    }
    await this.#acknowledge()
    if (!(await this.#stand())) return AGAIN_MS
    await this.#release()
    const batch = this.#underWay(held)
    if (batch === undefined) return await this.#next(held)
    const waitMs = this.#dueAt - monotonic()
    if (waitMs > 0) return Math.min(waitMs, RECHECK_MS)
    await this.#attempt(held, batch)
    return 0
  }

  /** Others deliver it: undefined. */
  async #hold(): Promise<HeldDelivery | undefined> {
    const { store, members, now, monotonic, retries } = this.#context
    if (this.#held === undefined) {
      const held = await HeldDelivery.take({ store, members }, this.#webhook.id)
      if (held === undefined) return undefined
      const { attempts, nextAt } = held.delivery
      // A changed wall clock makes nobody wait longer than the schedule.
      const pause = Math.min(nextAt - now(), longestPause(attempts, retries))
      this.#dueAt = monotonic() + Math.max(0, pause)
      this.#held = held
    }
    const { enabledAt } = this.#webhook
    if (this.#held.delivery.enabledAt !== enabledAt) {
      await this.#held.write({ enabledAt, attempts: 0, nextAt: 0, lastFailure: undefined })
      this.#dueAt = 0
    }
    return this.#held
  }

  #underWay({ delivery: { batch } }: HeldDelivery): Batch | undefined {
    if (batch === undefined || batch.place !== this.#webhook.place) return undefined
    return isPassed(batch, [...this.#standings.values()]) ? undefined : batch
  }

  /** False: it is another one, of which this process will hear. */
  async #stand(): Promise<boolean> {
    const { monotonic, readers, isCurrent } = this.#context
    const logs = logsOf(this.#webhook)
    for (const log of this.#standings.keys()) if (!logs.includes(log)) this.#standings.delete(log)
    for (const log of logs) {
      const known = this.#standings.get(log)
      const reader = readerOf(this.#webhook)
      const standing = known?.reader === reader ? known : new Standing(log, reader)
      const at = monotonic()
      if (standing.isFresh(at, LOOK_MS)) continue
      this.#standings.set(log, standing)
      // Nothing is opened for a webhook that is another one by now.
      if (!(await isCurrent(this.#webhook))) return false
      await this.#listen(log)
      await readers.stand(standing, at)
    }
    return true
  }

  async #listen(log: string): Promise<void> {
    if (!this.#listening.has(log)) this.#listening.set(log, await this.#context.store.listenUpstream(log))
  }

  async #next(held: HeldDelivery): Promise<number> {
    const { store, pages, limits } = this.#context
    const webhook = this.#webhook
    const standings = [...this.#standings.values()]
    const page = new EventPage(store, standings, this.#types, { ...limits, events: LARGEST_BATCH })
    await pages.run(() => page.fill())
    const { moves, more } = page
    if (!page.isEmpty) {
      const batch = makeBatch(this.#context, webhook, page, standings)
      await held.write({ batch, attempts: 0, nextAt: 0, lastFailure: undefined })
      this.#dueAt = 0
      return 0
    }
    if (moves.events.length + moves.upstream.length > 0) {
      await this.#move(webhook, moves)
      return more ? 0 : RECHECK_MS
    }
    // A reader has ended: it is opened again.
    if (more) return AGAIN_MS / 10
    // What has arrived is not kept.
    if (held.delivery.batch !== undefined) await held.write({ batch: undefined, attempts: 0 })
    return RECHECK_MS
  }

  async #attempt(held: HeldDelivery, batch: Batch): Promise<void> {
    const { slots, monotonic } = this.#context
    const webhook = this.#webhook
    const outcome = await slots.run(webhook.provider, async () => await this.#send(batch))
    // It is another one by now, or this node may not send any more.
    if (outcome === undefined || (outcome.kind === 'failed' && outcome.failure === 'aborted')) return
    this.#count(batch, outcome)
    if (outcome.kind === 'delivered') {
      this.#arrived = batch
      return await this.#acknowledge()
    }
    const { now, retries, random, disable } = this.#context
    const attempts = held.delivery.attempts + 1
    const askedMs = outcome.kind === 'failed' ? outcome.retryAfterMs : 0
    const pause = outcome.kind === 'gone' ? undefined : pauseAfter(attempts, retries, askedMs, random())
    const { status } = outcome
    const failure = outcome.kind === 'gone' ? 'status' : outcome.failure
    const lastFailure = { at: now(), failure, ...(status === undefined ? {} : { status }) }
    await held.write({ attempts, nextAt: now() + (pause ?? 0), lastFailure })
    if (pause === undefined) await disable(webhook, outcome.kind === 'gone' ? 'gone' : 'failing')
    else this.#dueAt = monotonic() + pause
  }

  /** Undefined if it was not sent. */
  async #send({ id, body }: Batch): Promise<Outcome | undefined> {
    const { members, isAllowed, now, metrics } = this.#context
    const webhook = this.#webhook
    // It may have waited for its turn.
    if (this.#isStopped || !members.isSure || !isAllowed(webhook)) return undefined
    const { url, secret, previous } = webhook
    const secrets = previous === undefined || previous.until <= now() ? [secret] : [secret, previous.secret]
    const headers = signatureHeaders({ id, timestamp: Math.floor(now() / 1000), body }, secrets)
    metrics.webhookCallsUnderWay.inc()
    try {
      return await this.#sender.send({ url, headers, body }, this.#gone.signal)
    } finally {
      metrics.webhookCallsUnderWay.dec()
    }
  }

  #count({ events, upstream }: Batch, { kind }: Outcome): void {
    const { metrics } = this.#context
    metrics.webhookCalls.inc({ outcome: kind })
    if (kind !== 'delivered') return
    metrics.delivered.inc({ destination: 'event' }, events - upstream)
    metrics.delivered.inc({ destination: 'upstream' }, upstream)
  }

  /** What was delivered is not sent again, however often the store fails. */
  async #acknowledge(): Promise<void> {
    const arrived = this.#arrived
    if (arrived === undefined) return
    if (arrived.place === this.#webhook.place) await this.#move(this.#webhook, arrived.moves)
    this.#arrived = undefined
  }

  async #move(webhook: Webhook, moves: Batch['moves']): Promise<void> {
    this.#keepsSome = true
    const isKnown = await this.#context.readers.move(webhook, moves)
    for (const standing of this.#standings.values()) {
      if (isKnown) standing.moved(appOfEventLog(standing.log) === undefined ? moves.upstream : moves.events)
      else standing.doubt()
    }
  }

  /** Keeps delivered events for a while, then releases them. */
  async #release(): Promise<void> {
    const { monotonic, readers } = this.#context
    const at = monotonic()
    if (!keeps(this.#webhook) || at < this.#releaseAt) return
    if (!this.#keepsSome && at < this.#releaseAt + IDLE_RELEASE_MS) return
    this.#releaseAt = at + this.#releaseMs
    this.#keepsSome = await readers.release(this.#webhook)
  }

  get #releaseMs(): number {
    return Math.max(SHORTEST_RELEASE_MS, (this.#webhook.keepFor * 1000) / RELEASES)
  }

  async #leave(): Promise<void> {
    this.#sender.close()
    try {
      await this.#acknowledge()
      await this.#held?.write({ owner: '' })
    } catch (error) {
      // Whoever comes next waits until it knows that this node is gone.
      this.#failed(error)
    }
    // Last, because it is a step for every part, and many webhooks may end at once.
    for (const stop of this.#listening.values()) stop()
  }

  #failed(error: unknown): void {
    const { logger } = this.#context
    const isExpected = error instanceof TakenOver || (error instanceof PushError && error.code === 'STORE_UNAVAILABLE')
    logger[isExpected ? 'debug' : 'warn'](
      { err: error, webhook: this.#webhook.id },
      'could not deliver a webhook, trying again',
    )
  }
}
