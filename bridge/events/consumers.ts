/**
 * Consumers: readers of events over HTTP. A consumer reads the event log of an app, and its upstream log if requested;
 * its cursors are in the store. Opening a reader visits all parts of a log, and so does listening, so each process
 * keeps what it knows of a consumer for a while and listens meanwhile. It does not know what was acknowledged
 * elsewhere, but the store does (`readUnread`).
 */
import type { Auth } from '../../auth/contract.ts'
import { PushError } from '../../errors.ts'
import { appOfEventLog, eventLog, type Store, type UpstreamEntry } from '../../store/contract.ts'
import { mayActFor, mayUse, type Provider, type Scope } from '../../topics/index.ts'
import type { HttpLimits } from '../limits.ts'
import { Poll } from '../poll.ts'
import type { Waiting } from '../waiting.ts'
import type { EventTypes } from './event-types.ts'
import { Standing } from './standing.ts'

/** A reader ends so long after it was asked for last. */
const LASTS_MS = 7 * 24 * 60 * 60 * 1000
/** Its end moves in steps, so that few looks write it. */
const END_STEP_MS = 60 * 60 * 1000
/** What is known of a consumer is kept so long after it was asked for last. */
const KEPT_MS = 60_000
const SWEEP_MS = 10_000
/** Keys end also without anybody changing them, ms. */
const KEY_LOOK_MS = 400

/** Of a provider, whichever key it has; no two providers have one reader, because no name has a `/`. */
export function readerOf(provider: string, consumer: string): string {
  return `http ${provider}/${consumer}`
}

export interface ConsumerQuery {
  readonly app: string
  readonly reader: string
  readonly types: EventTypes
  readonly from: 'earliest' | 'latest'
}

/** Waits for an event that its types have. */
export class EventPoll extends Poll {
  readonly #types: EventTypes
  readonly #doubt: () => void

  /** `doubt`: what is known of the consumer may be wrong, as a wake may be lost. */
  constructor(types: EventTypes, doubt: () => void, left: () => void) {
    super(left)
    this.#types = types
    this.#doubt = doubt
  }

  protected override recheck(): void {
    this.#doubt()
    this.wake()
  }

  heard(log: string, entry: UpstreamEntry | undefined): void {
    const { hasUpstream, hasLogged } = this.#types
    const wants =
      appOfEventLog(log) === undefined
        ? hasUpstream
        : hasLogged && (entry === undefined || this.#types.hasEvent(entry.subject))
    if (wants) this.wake()
  }
}

/** What this process knows of one. */
class Consumer {
  readonly app: string
  readonly reader: string
  readonly standings = new Map<string, Standing>()
  readonly polls = new Map<EventPoll, () => boolean>()
  usedAt = 0

  constructor(app: string, reader: string) {
    this.app = app
    this.reader = reader
  }

  /** What is known may be wrong: it is checked again. */
  doubt(): void {
    for (const standing of this.standings.values()) standing.doubt()
  }

  get waitingKey(): string {
    return `events ${this.app}/${this.reader}`
  }
}

interface ConsumersOptions {
  readonly store: Store
  readonly auth: Pick<Auth, 'providerNow'>
  readonly limits: Pick<HttpLimits, 'waitingPerToken' | 'longPollRecheckMs'>
  readonly waiting: Waiting
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

export class Consumers {
  readonly #options: ConsumersOptions
  readonly #byApp = new Map<string, Map<string, Consumer>>()
  readonly #byWaitingKey = new Map<string, Consumer>()
  /** How to stop to hear of a log. */
  readonly #listening = new Map<string, Promise<() => void>>()
  #isClosed = false

  constructor(options: ConsumersOptions) {
    this.#options = options
    options.waiting.onCrowded((key, elsewhere) => this.#makeRoom(this.#byWaitingKey.get(key), elsewhere))
  }

  /**
   * Where it stands in the logs of these types, which are opened where they are not. `looking` is called before a whole log is
   * looked at.
   * @throws STORE_UNAVAILABLE
   */
  async standings(query: ConsumerQuery, looking: () => void): Promise<readonly Standing[]> {
    const { app, types } = query
    const consumer = this.#of(query)
    const logs = [...(types.hasLogged ? [eventLog(app)] : []), ...(types.hasUpstream ? [app] : [])]
    return await Promise.all(logs.map((log) => this.#stand(consumer, log, query.from, looking)))
  }

  async #stand(consumer: Consumer, log: string, from: ConsumerQuery['from'], looking: () => void): Promise<Standing> {
    const { store, limits, now, monotonic } = this.#options
    const { reader } = consumer
    const standing = consumer.standings.get(log) ?? new Standing(log, reader)
    if (standing.isFresh(monotonic(), limits.longPollRecheckMs)) return standing
    looking()
    consumer.standings.set(log, standing)
    await this.#listen(log)
    const expiresAt = Math.ceil((now() + LASTS_MS) / END_STEP_MS) * END_STEP_MS
    const lookedAt = monotonic()
    await standing.look(() => store.openReader({ app: log, reader, expiresAt, from, keepsMissed: true }), lookedAt)
    return standing
  }

  /** Once for all readers of the log. */
  async #listen(log: string): Promise<void> {
    const known = this.#listening.get(log)
    if (known !== undefined) return void (await known)
    const listening = this.#options.store.listenUpstream(log)
    this.#listening.set(log, listening)
    try {
      await listening
    } catch (error) {
      // Who comes next tries again.
      if (this.#listening.get(log) === listening) this.#listening.delete(log)
      throw error
    }
  }

  /** What this process knows of a reader in a log, if anything. */
  known(log: string, reader: string): Standing | undefined {
    return this.#byApp
      .get(appOfEventLog(log) ?? log)
      ?.get(reader)
      ?.standings.get(log)
  }

  /** What is known here of a reader may be wrong: the store is asked again. */
  doubt(app: string, reader: string): void {
    this.#byApp.get(app)?.get(reader)?.doubt()
  }

  /**
   * Hears of everything that is stored from here on: read after this, then wait. `seconds`: undefined is without end.
   * @throws RATE_LIMITED, SHUTTING_DOWN
   */
  enter(query: ConsumerQuery, seconds: number | undefined, gone: AbortSignal, mayRead: () => boolean): EventPoll {
    const { waiting, limits } = this.#options
    if (this.#isClosed) throw new PushError('SHUTTING_DOWN')
    waiting.check()
    const consumer = this.#of(query)
    const key = consumer.waitingKey
    const left = () => {
      if (!consumer.polls.delete(poll)) return
      waiting.remove(key)
      if (consumer.polls.size === 0) this.#byWaitingKey.delete(key)
    }
    const poll = new EventPoll(query.types, () => consumer.doubt(), left)
    consumer.polls.set(poll, mayRead)
    this.#byWaitingKey.set(key, consumer)
    waiting.add(key)
    // As with lookups of a device: the old one may wait for a client that is gone.
    this.#makeRoom(consumer, 0)
    poll.start(seconds === undefined ? undefined : seconds * 1000, limits.longPollRecheckMs, gone)
    return poll
  }

  #makeRoom(consumer: Consumer | undefined, elsewhere: number): void {
    const [oldest] = consumer?.polls.keys() ?? []
    if (consumer !== undefined && consumer.polls.size + elsewhere > this.#options.limits.waitingPerToken)
      oldest?.makeRoom()
  }

  #of({ app, reader }: Pick<ConsumerQuery, 'app' | 'reader'>): Consumer {
    const ofApp = this.#byApp.get(app) ?? new Map<string, Consumer>()
    this.#byApp.set(app, ofApp)
    const consumer = ofApp.get(reader) ?? new Consumer(app, reader)
    ofApp.set(reader, consumer)
    consumer.usedAt = this.#options.monotonic()
    return consumer
  }

  /** Starts to hear the store; returns how to stop. */
  watch(): () => void {
    const stopWatching = this.#options.store.watch({
      upstreamAppended: (log, part, offset, entry) => this.#appended(log, part, offset, entry),
      resync: () => this.#resync(),
      privateAppended: () => {},
      broadcastAppended: () => {},
      sessionEnded: () => {},
      cursorMoved: () => {},
      cursorsLost: () => {},
    })
    const sweep = setInterval(() => this.#sweep(), SWEEP_MS).unref()
    const keyLook = setInterval(() => this.#lookAtKeys(), KEY_LOOK_MS).unref()
    return () => {
      stopWatching()
      clearInterval(sweep)
      clearInterval(keyLook)
      this.#byApp.clear()
      this.#stopListening()
    }
  }

  /** Ends every poll, and lets none in. */
  close(): void {
    this.#isClosed = true
    for (const consumer of this.#all()) for (const poll of consumer.polls.keys()) poll.close()
  }

  #appended(log: string, part: number, offset: number, entry: UpstreamEntry | undefined): void {
    // What is only told (QoS 0) is for who is connected.
    if (offset === 0) return
    for (const consumer of this.#byApp.get(appOfEventLog(log) ?? log)?.values() ?? []) {
      consumer.standings.get(log)?.grown(part, offset)
      for (const poll of consumer.polls.keys()) poll.heard(log, entry)
    }
  }

  #resync(): void {
    for (const consumer of this.#all()) {
      consumer.doubt()
      for (const poll of consumer.polls.keys()) poll.wake()
    }
  }

  #lookAtKeys(): void {
    for (const { polls } of this.#all()) for (const [poll, mayRead] of polls) if (!mayRead()) poll.wake()
  }

  #sweep(): void {
    const now = this.#options.monotonic()
    for (const { app, reader, polls, usedAt } of this.#all())
      if (polls.size === 0 && now - usedAt > KEPT_MS) this.#byApp.get(app)?.delete(reader)
    for (const [app, ofApp] of this.#byApp) if (ofApp.size === 0) this.#byApp.delete(app)
    this.#stopListening()
  }

  /** To the logs that nobody here reads. */
  #stopListening(): void {
    const read = new Set(this.#all().flatMap(({ standings }) => [...standings.keys()]))
    for (const [log, listening] of this.#listening) {
      if (read.has(log)) continue
      this.#listening.delete(log)
      listening.then(
        (stop) => stop(),
        () => undefined,
      )
    }
  }

  #all(): Consumer[] {
    return [...this.#byApp.values()].flatMap((ofApp) => [...ofApp.values()])
  }
}

/**
 * Of a provider as its key is now.
 * @throws CREDENTIALS_INVALID, SCOPE_MISSING, APP_FORBIDDEN, STORE_UNAVAILABLE
 */
export function checkReader(
  provider: Provider,
  app: string,
  scopes: readonly Scope[],
  auth: Pick<Auth, 'providerNow'>,
): void {
  const now = auth.providerNow(provider)
  if (now === undefined) throw new PushError('CREDENTIALS_INVALID')
  const missing = scopes.find((scope) => !mayUse(now, scope))
  if (missing !== undefined) throw new PushError('SCOPE_MISSING', missing)
  if (!mayActFor(now, app)) throw new PushError('APP_FORBIDDEN')
}
