/** One open response: text/event-stream to one client, and what happens to its connection. */
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { PushError } from '../../errors.ts'
import { COMMENT, endText, retryText } from './event-text.ts'
import type { StreamOptions } from './stream-options.ts'

interface StreamListener {
  /** What was written has been taken: there is room again. */
  taken(): void
  /** What to write instead of a comment, if anything. */
  instead(): string | undefined
}

/** Clients come back after so long, ms, and not all at the same time. */
const RETRY_MS = 1_000
const RETRY_SPREAD_MS = 4_000
/** So many times as long where there are too many. */
const CROWDED = 20

/**
 * No cache on the way is to keep it (RFC 9111), no proxy to compress it, which would hold it back (RFC 9110 section 7.7), nor to
 * gather it: nginx reads the last one.
 */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
} as const

/** Aborted when nobody reads the answer any more. */
export function goneOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  // It left while something was awaited for it.
  if (raw.destroyed) gone.abort()
  return gone.signal
}

export class EventStream {
  readonly #response: ServerResponse
  readonly #options: StreamOptions
  readonly #listener: StreamListener
  readonly #comments: NodeJS.Timeout
  #isQuiet = false

  /** Answers with the head of a stream: from here on, whatever happens is told by events. */
  constructor(reply: FastifyReply, options: StreamOptions, listener: StreamListener) {
    this.#response = reply.raw
    this.#options = options
    this.#listener = listener
    for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...STREAM_HEADERS }))
      if (value !== undefined) this.#response.setHeader(name, value)
    reply.hijack()
    this.#response.writeHead(200)
    this.#response.socket?.setTimeout(options.commentMs + options.stallMs)
    this.#response.on('drain', () => this.#wasTaken())
    this.#response.once('close', () => this.#left())
    // Looked at twice in that time, it is quiet for no longer than that.
    this.#comments = setInterval(() => this.#keepAlive(), options.commentMs / 2)
    if (this.#response.destroyed) this.#left()
    this.write(retryText(this.#pause()))
  }

  /** What was written has not been taken yet: nothing more is to be written. */
  get isHeldUp(): boolean {
    return this.#response.writableNeedDrain
  }

  write(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    this.#isQuiet = false
    if (this.#response.write(text)) return
    this.#options.slowReaders.holds(this, this.#response.writableLength, () => this.#response.destroy())
  }

  /** The last event says why. The connection is good for another request, except for one that is closing. */
  end(why: PushError): void {
    clearInterval(this.#comments)
    if (this.#response.destroyed) return
    const { socket } = this.#response
    // Otherwise it would come back at once, and end another one for it.
    const retry = why.code === 'RATE_LIMITED' ? retryText(this.#pause() * CROWDED) : ''
    this.#response.end(`${retry}${endText(why)}`, () => {
      if (why.code === 'SHUTTING_DOWN') socket?.end()
    })
  }

  #pause(): number {
    return Math.round(RETRY_MS + this.#options.random() * RETRY_SPREAD_MS)
  }

  #keepAlive(): void {
    if (this.#isQuiet && !this.isHeldUp) this.write(this.#listener.instead() ?? COMMENT)
    else this.#isQuiet = true
  }

  #wasTaken(): void {
    this.#options.slowReaders.takes(this)
    this.#listener.taken()
  }

  #left(): void {
    clearInterval(this.#comments)
    this.#options.slowReaders.takes(this)
  }
}
