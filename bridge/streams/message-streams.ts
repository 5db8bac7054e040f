/** Streams of messages: the messages of lookups as they arrive. */
import type { FastifyReply } from 'fastify'
import type { Metrics } from '../../common/metrics.ts'
import { Slots } from '../../common/slots.ts'
import { PushError } from '../../errors.ts'
import type { Device } from '../../topics/index.ts'
import type { Acknowledge } from '../acknowledge.ts'
import { checkEnd, knowDevice, type KnowContext, type KnownDevice } from '../authenticate.ts'
import { known as knownError } from '../calls/call.ts'
import type { DevicePoll, LongPolls } from '../long-polls.ts'
import type { PageEntry, Pages } from '../lookup.ts'
import { messageAnswer } from '../message-answer.ts'
import { decodePageCursor, encodePageCursor, type PageCursor } from '../page-cursor.ts'
import { EventStream, goneOf } from './event-stream.ts'
import { eventText, idText } from './event-text.ts'
import { Place } from './place.ts'
import type { StreamOptions } from './stream-options.ts'

interface MessageStreamsContext extends KnowContext {
  readonly pages: Pages
  readonly longPolls: LongPolls
  readonly acknowledge: Acknowledge
  readonly metrics: Metrics
  readonly streams: StreamOptions
  readonly now: () => number
}

/** Where a client goes on. */
export interface Resumption {
  /** The id of the last event that it has; absent or empty: none. */
  readonly lastEventId?: string | undefined
  /** It has handled what it has. */
  readonly acknowledges: boolean
}

/** Messages of one read. */
const PAGE = 20
/** That are read at one time: a broadcast may wake all of them. */
const READS = 64

export class MessageStreams {
  readonly #context: MessageStreamsContext
  readonly #reads = new Slots(READS)

  constructor(context: MessageStreamsContext) {
    this.#context = context
  }

  /**
   * Answers with a stream that ends with its token, its connection or the server; resolves then.
   * @throws CURSOR_INVALID, RATE_LIMITED, SHUTTING_DOWN, STORE_UNAVAILABLE before there is an answer
   */
  async open(known: KnownDevice, { lastEventId, acknowledges }: Resumption, reply: FastifyReply): Promise<void> {
    const { longPolls, acknowledge, streams } = this.#context
    const { device } = known
    const has = lastEventId === undefined || lastEventId === '' ? undefined : decodePageCursor(device, lastEventId)
    if (has !== undefined && acknowledges && (await this.#isWithin(known, has))) await acknowledge(known, has)
    const poll = await longPolls.enter(known, undefined, goneOf(reply))
    try {
      const place = new Place(device, has)
      const stream = new EventStream(reply, streams, {
        taken: () => poll.wake(),
        instead() {
          const untold = place.untold()
          return untold === undefined ? undefined : idText(encodePageCursor(device, untold))
        },
      })
      stream.end(await this.#run({ device, place, poll, stream }, known).catch((error) => knownError(error, reply.log)))
    } finally {
      poll.leave()
    }
  }

  /** Otherwise the stream says so, and nothing is acknowledged that nobody has read. */
  async #isWithin(known: KnownDevice, has: PageCursor): Promise<boolean> {
    const place = new Place(known.device, has)
    const { ends } = await this.#context.pages.read(known, 1, place.start(known.record), false)
    return !place.isBeyond(ends, known.record)
  }

  /** Returns why it ends, or rejects with that. */
  async #run(open: OpenStream, first: KnownDevice): Promise<PushError> {
    const { device, poll, stream } = open
    let known = first
    while (!poll.isOver) {
      if (!stream.isHeldUp && (await this.#send(open, known))) continue
      poll.isHeldUp = stream.isHeldUp
      await poll.woken()
      checkEnd(device, this.#context.now)
      if (poll.isOver) break
      known = await knowDevice(this.#context, device)
      poll.tags = known.record.details.tags
    }
    checkEnd(device, this.#context.now)
    return poll.endedBy ?? new PushError('REQUEST_TIMEOUT')
  }

  /** What there is, as far as the client takes it. True: there is more. */
  async #send(open: OpenStream, known: KnownDevice): Promise<boolean> {
    const { place, poll, stream, device } = open
    const { pages, now } = this.#context
    const page = await this.#reads.run(() => pages.read(known, PAGE, place.start(known.record)))
    if (place.isBeyond(page.ends, known.record)) throw new PushError('CURSOR_INVALID')
    const told = poll.told()
    if (page.entries.length + told.length > 0) {
      // What was stored after a revocation, or after the token's end, is not for its holder.
      await knowDevice(this.#context, device)
      checkEnd(device, now)
    }
    const before = place.cursor
    for (const [index, entry] of page.entries.entries()) {
      if (stream.isHeldUp || poll.isOver) return false
      place.move(before, page.cursorAfter(index + 1))
      this.#write(open, entry, place.tell())
    }
    const hasPassed = place.move(before, page.cursor)
    for (const entry of told) if (!stream.isHeldUp) this.#write(open, entry)
    return page.more && hasPassed
  }

  #write({ stream, device }: OpenStream, entry: PageEntry, at?: ReturnType<Place['tell']>): void {
    const id = at === undefined ? {} : { id: encodePageCursor(device, at) }
    stream.write(eventText(messageAnswer(device, entry), id))
    this.#context.metrics.delivered.inc({ destination: entry.log })
  }
}

interface OpenStream {
  readonly device: Device
  readonly place: Place
  readonly poll: DevicePoll
  readonly stream: EventStream
}
