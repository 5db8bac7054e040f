/** Events for providers: the calls behind `/v1/events`. */
import type { Auth } from '../../auth/contract.ts'
import type { Metrics } from '../../common/metrics.ts'
import { Slots } from '../../common/slots.ts'
import { PushError } from '../../errors.ts'
import { eventLog, type Store } from '../../store/contract.ts'
import { isAppName, isName, mayActFor, type Provider } from '../../topics/index.ts'
import type { HttpLimits } from '../limits.ts'
import { DEFAULT_PAGE } from '../query.ts'
import { STREAM_PAGE_BYTES } from '../streams/stream-options.ts'
import type { RequestWork } from '../work.ts'
import { checkReader, type Consumers, type ConsumerQuery, readerOf } from './consumers.ts'
import type { EventAnswer } from './event-answer.ts'
import { type CursorOwner, decodeEventCursor, encodeEventCursor, type EventMoves } from './event-cursor.ts'
import { EventPage } from './event-page.ts'
import { EventTypes, UPSTREAM } from './event-types.ts'
import { Standing } from './standing.ts'
import { checkWithin } from './within.ts'

interface EventsContext {
  readonly auth: Pick<Auth, 'providerNow'>
  readonly store: Store
  readonly consumers: Consumers
  readonly work: Pick<RequestWork, 'log'>
  readonly metrics: Metrics
  readonly limits: HttpLimits
}

/** Which consumer of an app. */
export interface ConsumerName {
  readonly app: string
  readonly consumer: string
}

/** A value that the schema of the query takes. */
export interface EventsQuery extends ConsumerName {
  readonly types?: string
  readonly from?: 'earliest' | 'latest'
  readonly wait?: number
  readonly limit?: number
}

export interface EventsAnswer {
  readonly events: readonly EventAnswer[]
  /** Acknowledges what is in this answer, and what it passed over. */
  readonly cursor: string
  /** So many went because the log was full, before they could be read. */
  readonly missed: number
  readonly more: boolean
}

/** Who reads, and what. */
export interface KnownConsumer {
  readonly owner: CursorOwner
  readonly query: ConsumerQuery
}

/** Events that a stream sends in one go. */
const STREAM_PAGE = 50
/** That are read at one time: an event may wake all who wait. */
const PAGES = 32

export class EventCalls {
  readonly #context: EventsContext
  readonly #pages = new Slots(PAGES)

  constructor(context: EventsContext) {
    this.#context = context
  }

  /**
   * @throws NAME_INVALID, REQUEST_INVALID, APP_FORBIDDEN, SCOPE_MISSING, CREDENTIALS_INVALID (while it waits), RATE_LIMITED,
   * SHUTTING_DOWN, STORE_UNAVAILABLE
   */
  async read(asked: EventsQuery, provider: Provider, gone: AbortSignal): Promise<EventsAnswer> {
    const { limits, metrics } = this.#context
    const { owner, query } = this.consumerOf(asked, provider)
    const seconds = Math.min(asked.wait ?? 0, limits.waitSeconds)
    const { standings, areNew } = await this.#standings(query, provider)
    const most = { events: asked.limit ?? DEFAULT_PAGE, bytes: limits.lookupBytes, scan: limits.lookupScan }
    const page = new EventPage(this.#context.store, standings, query.types, most)
    await this.#fill(page)
    if (isNothing(page) && seconds > 0) await this.#wait(page, query, provider, seconds, gone)
    else if (isNothing(page) && !areNew) await this.#lookAgain(page, query, provider)
    // What was stored after it was revoked is not for who has the key.
    this.check(query, provider)
    for (const { type } of page.events) metrics.delivered.inc({ destination: type === UPSTREAM ? UPSTREAM : 'event' })
    const { events, missed, more } = page
    return { events, cursor: encodeEventCursor(owner, page.moves), missed, more }
  }

  /** Who asks for what. @throws NAME_INVALID, REQUEST_INVALID, APP_FORBIDDEN, SCOPE_MISSING, CREDENTIALS_INVALID */
  consumerOf(asked: EventsQuery, provider: Provider): KnownConsumer {
    const owner = this.#ownerOf(asked, provider)
    const query: ConsumerQuery = { ...owner, types: EventTypes.parse(asked.types), from: asked.from ?? 'earliest' }
    this.check(query, provider)
    return { owner, query }
  }

  /** The next page of a stream that stands there. @throws CURSOR_INVALID, STORE_UNAVAILABLE */
  async pageFrom(query: ConsumerQuery, provider: Provider, from: EventMoves): Promise<EventPage> {
    const { limits, store } = this.#context
    const { standings } = await this.#standings(query, provider)
    await checkWithin(store, standings, from)
    const bytes = Math.min(limits.lookupBytes, STREAM_PAGE_BYTES)
    const most = { events: STREAM_PAGE, bytes, scan: limits.lookupScan }
    const page = new EventPage(store, standings, query.types, most, from)
    await this.#fill(page)
    return page
  }

  /** @throws NAME_INVALID, APP_FORBIDDEN, CURSOR_INVALID, CONSUMER_UNKNOWN, STORE_UNAVAILABLE */
  async acknowledge(asked: ConsumerName & { readonly cursor: string }, provider: Provider): Promise<void> {
    const { store, consumers } = this.#context
    const owner = this.#ownerOf(asked, provider)
    const { app, reader } = owner
    const moves = decodeEventCursor(owner, asked.cursor)
    const ofLogs = [[eventLog(app), moves.events] as const, [app, moves.upstream] as const]
    const standings = ofLogs.map(([log]) => consumers.known(log, reader) ?? new Standing(log, reader))
    await checkWithin(store, standings, moves)
    const known = await Promise.all(
      ofLogs.map(async ([log, ofLog]) => {
        if (ofLog.length === 0) return true
        if (!(await store.moveReader(log, reader, ofLog))) return false
        consumers.known(log, reader)?.moved(ofLog)
        return true
      }),
    )
    if (known.every(Boolean)) return
    consumers.doubt(app, reader)
    throw new PushError('CONSUMER_UNKNOWN')
  }

  /** Idempotent. @throws NAME_INVALID, APP_FORBIDDEN, STORE_UNAVAILABLE */
  async end(asked: ConsumerName, provider: Provider): Promise<void> {
    const { store, consumers, work } = this.#context
    const { app, reader } = this.#ownerOf(asked, provider)
    work.log(provider)
    await Promise.all([eventLog(app), app].map((log) => store.closeReader(log, reader)))
    consumers.doubt(app, reader)
  }

  #ownerOf({ app, consumer }: ConsumerName, provider: Provider): CursorOwner {
    if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`; an app has no `%` either')
    if (!isName(consumer)) throw new PushError('NAME_INVALID', '`consumer`')
    if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
    return { app, reader: readerOf(provider.name, consumer), parts: this.#context.store.upstreamParts }
  }

  /** What devices publish is for who may subscribe to it. @throws CREDENTIALS_INVALID, SCOPE_MISSING, APP_FORBIDDEN */
  check({ app, types }: ConsumerQuery, provider: Provider): void {
    const scopes = ['events:read', ...(types.hasUpstream ? (['messages:read'] as const) : [])] as const
    checkReader(provider, app, scopes, this.#context.auth)
  }

  /** Who does not wait hears of no wake that is under way, or was lost: the store itself says whether there is nothing. */
  async #lookAgain(page: EventPage, query: ConsumerQuery, provider: Provider): Promise<void> {
    this.#context.consumers.doubt(query.app, query.reader)
    await this.#standings(query, provider)
    await this.#fill(page)
  }

  /** `areNew`: all of them were asked of the store just now. */
  async #standings(query: ConsumerQuery, provider: Provider) {
    const { consumers, work } = this.#context
    let looked = 0
    const standings = await consumers.standings(query, () => {
      looked++
      work.log(provider)
    })
    return { standings, areNew: looked === standings.length }
  }

  async #fill(page: EventPage): Promise<void> {
    await this.#pages.run(() => page.fill())
  }

  async #wait(
    page: EventPage,
    query: ConsumerQuery,
    provider: Provider,
    seconds: number,
    gone: AbortSignal,
  ): Promise<void> {
    const poll = this.#context.consumers.enter(query, seconds, gone, () => this.mayRead(query, provider))
    try {
      // What came between the first look and now.
      await this.#fill(page)
      while (isNothing(page) && !poll.isOver) {
        await poll.woken()
        this.check(query, provider)
        if (poll.isOver) break
        await this.#standings(query, provider)
        await this.#fill(page)
      }
    } finally {
      poll.leave()
    }
  }

  mayRead(query: ConsumerQuery, provider: Provider): boolean {
    try {
      this.check(query, provider)
      return true
    } catch {
      return false
    }
  }
}

function isNothing({ isEmpty, more }: EventPage): boolean {
  return isEmpty && !more
}
