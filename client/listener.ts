/** Receives messages for a device, over a stream or by long polling, until it is closed. */
import { Acknowledging } from './acknowledging.ts'
import { apiOf, ask, open } from './call.ts'
import { callBack, type Context, tell } from './context.ts'
import { errorOf, isPassing, needsToken, problemError, PushClientError } from './errors.ts'
import { readBlocks } from './event-stream.ts'
import { Handling } from './handling.ts'
import type { WireMessage } from './message.ts'
import { backOff, Deadline } from './pause.ts'
import { Renewing } from './renewing.ts'
import type { Place, Session } from './token.ts'
import type { Listener, ListenOptions, State } from './types.ts'

/** Timeout for the first bytes of a stream, which the server sends at once; a buffering proxy holds them back. */
const FIRST_WORD_MS = 10_000
const QUIET_S = 60
/** Longest wait that the server allows, and time for the response. */
const WAIT_S = 50
const ANSWER_MS = 20_000
/** After this many silent streams in a row, it polls, and tries a stream again after a while. */
const SILENT = 2
const POLL_FOR_MS = 600_000

/**
 * Receives the messages of the device that a message token belongs to: calls `onMessage` for each message, and
 * acknowledges handled ones. It survives failures of the network and the server until it is closed or refused for good.
 */
export function listen(options: ListenOptions): Listener {
  return new MessageListener(options)
}

interface Page {
  readonly messages: readonly WireMessage[]
  readonly cursor: string
}

class MessageListener implements Listener {
  readonly closed: Promise<void>
  readonly #context: Context
  readonly #closing = new AbortController()
  readonly #handling: Handling
  readonly #renewing: Renewing
  readonly #acknowledging: Acknowledging
  #state: State = 'connecting'
  /** On the monotonic clock. */
  #pollsUntil = 0
  /** Silent streams in a row. */
  #silent = 0
  /** A lookup succeeded since streams were given up, so the network works. */
  #isPollSure = false
  /** Failures in a row without anything received. */
  #failures = 0
  /** Retry delay requested by the stream, ms. */
  #retryMs = 0

  constructor(options: ListenOptions) {
    const api = apiOf(options.url, options.fetch)
    this.#context = { options, api, signal: this.#closing.signal }
    const close = () => this.#closing.abort()
    if (options.signal?.aborted === true) close()
    options.signal?.addEventListener('abort', close)
    this.#handling = new Handling(this.#context)
    this.#renewing = new Renewing(this.#context)
    this.#acknowledging = new Acknowledging(this.#context, () => this.#renewing.session)
    this.closed = this.#run().finally(() => {
      close()
      options.signal?.removeEventListener('abort', close)
      this.#is('closed')
    })
    // A caller may await it, but does not have to.
    this.closed.catch(() => undefined)
  }

  get state(): State {
    return this.#state
  }

  get token(): string {
    return this.#renewing.session.token
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.closed.catch(() => undefined)
  }

  #is(state: State): void {
    if (state === this.#state) return
    this.#state = state
    callBack(this.#context, 'onState', () => this.#context.options.onState?.(state)).catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { signal } = this.#context
    // The caller has it first.
    await Promise.resolve()
    while (!signal.aborted) {
      const { session } = this.#renewing
      this.#is('connecting')
      try {
        if (this.#polls()) await this.#poll(session)
        else await this.#stream(session)
      } catch (error) {
        if (!signal.aborted) await this.#recover(session, errorOf(error))
      }
    }
    await this.#acknowledging.acknowledge(this.#renewing.session.place)
  }

  #polls(): boolean {
    const { transport = 'auto' } = this.#context.options
    return transport === 'poll' || (transport === 'auto' && performance.now() < this.#pollsUntil)
  }

  async #recover(session: Session, error: PushClientError): Promise<void> {
    // A renewal came first.
    if (needsToken(error) && session !== this.#renewing.session) return
    const again = await this.#reasonToGoOn(session, error)
    tell(this.#context, again)
    this.#failures += 1
    this.#is('waiting')
    await backOff(this.#failures, this.#context.signal, Math.max(again.retryAfterMs ?? 0, this.#retryMs))
  }

  /** @throws what ends the client */
  async #reasonToGoOn(session: Session, error: PushClientError): Promise<PushClientError> {
    const { place } = session
    if (error.code === 'CURSOR_INVALID') {
      // For example after its store was replaced: pending messages come from the beginning.
      place.cursor = undefined
      place.acknowledged = undefined
      return error
    }
    if (!needsToken(error)) {
      if (isPassing(error)) return error
      throw error
    }
    try {
      await this.#renewing.replace(session, error)
      return error
    } catch (failed) {
      if (failed === error) throw error
      return errorOf(failed)
    }
  }

  async #stream(session: Session): Promise<void> {
    const { api, options, signal } = this.#context
    const { place, token } = session
    const resumed = place.cursor
    this.#retryMs = 0
    // Reconnecting acknowledges what was handled.
    const headers = resumed === undefined ? {} : { 'last-event-id': resumed }
    const deadline = new Deadline(FIRST_WORD_MS, signal)
    let isAlive = false
    try {
      const call = { method: 'GET', path: 'messages/stream?ack=auto', token, headers } as const
      const { body, headers: answered } = await open(api, call, deadline)
      const isStream = answered.get('content-type')?.startsWith('text/event-stream') === true
      if (body === null || body === undefined || !isStream) {
        this.#fallBack()
        throw new PushClientError('HTTP_ERROR', 'the answer is no stream that can be read here')
      }
      const quietMs = (options.quietSeconds ?? QUIET_S) * 1_000
      const read = async <T>(work: () => Promise<T>) => {
        deadline.restart(isAlive ? quietMs : FIRST_WORD_MS)
        const result = await deadline.race(work())
        deadline.rest()
        return result
      }
      for await (const block of readBlocks(body, { read })) {
        if (!isAlive) this.#opened(place, resumed)
        isAlive = true
        this.#retryMs = Number(block.retry ?? this.#retryMs)
        if (block.event === 'end') throw problemError(block.data ?? '')
        if (block.data !== undefined && !(await this.#handling.handle(JSON.parse(block.data)))) return
        this.#failures = 0
        if (block.id !== undefined) place.cursor = block.id
        if (block.data !== undefined && block.id !== undefined) this.#acknowledge(place)
      }
      throw new PushClientError('STREAM_ENDED', 'the connection was lost')
    } catch (error) {
      if (deadline.isOver && !isAlive && ++this.#silent >= SILENT) this.#fallBack()
      throw error
    } finally {
      deadline.end()
    }
  }

  #opened(place: Place, resumed: string | undefined): void {
    place.acknowledged = resumed
    this.#silent = 0
    this.#is('listening')
  }

  #acknowledge(place: Place): void {
    this.#acknowledging
      .acknowledge(place)
      // Another token is the business of the stream, which is refused as well.
      .then((error) => error === undefined || needsToken(error) || tell(this.#context, error))
      .catch(() => undefined)
  }

  #fallBack(): void {
    this.#silent = 0
    this.#isPollSure = false
    this.#pollsUntil = performance.now() + POLL_FOR_MS
  }

  async #poll(session: Session): Promise<void> {
    const { api, signal } = this.#context
    const { place, token } = session
    try {
      const wait = this.#isPollSure ? WAIT_S : 0
      const call = { method: 'GET', path: `messages?wait=${wait}`, token } as const
      const { messages, cursor } = (await ask(api, call, signal, wait * 1_000 + ANSWER_MS)) as Page
      this.#isPollSure = true
      this.#is('listening')
      for (const message of messages) if (!(await this.#handling.handle(message))) return
      place.cursor = cursor
    } catch (error) {
      // Then streams were not the problem.
      if (errorOf(error).code === 'UNREACHABLE') this.#pollsUntil = 0
      throw error
    }
    const error = await this.#acknowledging.acknowledge(place)
    if (error !== undefined) throw error
    this.#failures = 0
  }
}
