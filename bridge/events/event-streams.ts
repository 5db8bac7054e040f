/** Streams of events: the events of `GET /v1/events` as they happen. */
import type { FastifyReply } from 'fastify'
import { PushError } from '../../errors.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Provider } from '../../topics/index.ts'
import type { SessionLook } from '../authenticate.ts'
import { known as knownError } from '../calls/call.ts'
import { EventStream, goneOf } from '../streams/event-stream.ts'
import { eventText, idText } from '../streams/event-text.ts'
import type { Resumption } from '../streams/message-streams.ts'
import type { StreamOptions } from '../streams/stream-options.ts'
import type { ConsumerName, EventCalls, EventsQuery, KnownConsumer } from './calls.ts'
import type { Consumers, EventPoll } from './consumers.ts'
import { decodeEventCursor, encodeEventCursor, type EventMoves } from './event-cursor.ts'
import { EventPlace } from './event-place.ts'
import { UPSTREAM } from './event-types.ts'

interface EventStreamsContext {
  readonly events: EventCalls
  readonly consumers: Consumers
  readonly metrics: Metrics
  readonly streams: StreamOptions
}

interface Listener {
  readonly provider: Provider
  /** Of the console: whether its session goes on. */
  readonly look?: SessionLook | undefined
}

/** A session may end without a word to the stream: on another node, or by its time. */
const SESSION_LOOK_MS = 5_000
const NOWHERE: EventMoves = { events: [], upstream: [] }

export class EventStreams {
  readonly #context: EventStreamsContext

  constructor(context: EventStreamsContext) {
    this.#context = context
  }

  /**
   * Answers with a stream that ends with its key, its session, its connection or the server; resolves then.
   * @throws as `EventCalls.read`, and CURSOR_INVALID, before there is an answer
   */
  async open(asked: EventsQuery, listener: Listener, resumption: Resumption, reply: FastifyReply): Promise<void> {
    const { provider, look } = listener
    const { events, consumers, streams } = this.#context
    const known = events.consumerOf(asked, provider)
    const { owner, query } = known
    const from = await this.#resumed(known, asked, provider, resumption)
    const mayRead = () => events.mayRead(query, provider)
    const poll = consumers.enter(query, undefined, goneOf(reply), mayRead)
    const looks = look && setInterval(() => endWithSession(poll, look), SESSION_LOOK_MS)
    try {
      const place = new EventPlace(from)
      const stream = new EventStream(reply, streams, {
        taken: () => poll.wake(),
        instead: () => (place.isTold ? undefined : idText(encodeEventCursor(owner, place.tell()))),
      })
      stream.end(
        await this.#run({ known, provider, place, poll, stream }).catch((error) => knownError(error, reply.log)),
      )
    } finally {
      clearInterval(looks)
      poll.leave()
    }
  }

  /** A consumer that has ended meanwhile begins anew, from where its program is. */
  async #resumed(
    { owner }: KnownConsumer,
    { app, consumer }: ConsumerName,
    provider: Provider,
    { lastEventId, acknowledges }: Resumption,
  ): Promise<EventMoves> {
    if (lastEventId === undefined || lastEventId === '') return NOWHERE
    const moves = decodeEventCursor(owner, lastEventId)
    if (!acknowledges) return moves
    await this.#context.events.acknowledge({ app, consumer, cursor: lastEventId }, provider).catch((error: unknown) => {
      if (!(error instanceof PushError && error.code === 'CONSUMER_UNKNOWN')) throw error
    })
    return moves
  }

  /** Returns why it ends, or rejects with that. */
  async #run(open: OpenStream): Promise<PushError> {
    const { known, provider, poll, stream } = open
    while (!poll.isOver) {
      if (!stream.isHeldUp && (await this.#send(open))) continue
      await poll.woken()
      this.#context.events.check(known.query, provider)
    }
    return poll.endedBy ?? new PushError('REQUEST_TIMEOUT')
  }

  /** One page of what there is. True: there is more. */
  async #send({ known, provider, place, stream }: OpenStream): Promise<boolean> {
    const { events, metrics } = this.#context
    const page = await events.pageFrom(known.query, provider, place.moves)
    // What was stored after it was revoked is not for who has the key.
    events.check(known.query, provider)
    const hasMoved = place.move(page.moves)
    if (place.hasMissed(page.missed)) stream.write(eventText({ missed: page.missed }, { type: 'missed' }))
    const last = page.events.length - 1
    for (const [index, event] of page.events.entries()) {
      // Those before it come again with it: a page is acknowledged as a whole.
      const id = index === last ? { id: encodeEventCursor(known.owner, place.tell()) } : {}
      stream.write(eventText(event, id))
      metrics.delivered.inc({ destination: event.type === UPSTREAM ? UPSTREAM : 'event' })
    }
    return page.more && hasMoved
  }
}

interface OpenStream {
  readonly known: KnownConsumer
  readonly provider: Provider
  readonly place: EventPlace
  readonly poll: EventPoll
  readonly stream: EventStream
}

function endWithSession(poll: EventPoll, look: SessionLook): void {
  look().catch((error: unknown) => {
    // While the store is unavailable, it is not known.
    if (error instanceof PushError && error.code === 'SESSION_ENDED') poll.end(error)
  })
}
