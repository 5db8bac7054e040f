/** Events of an app as they come, by a stream. They go with the page. */
import { useEffect, useState } from 'preact/hooks'
import { isPassing } from '../../client/errors.ts'
import { readBlocks, type StreamBlock } from '../../client/event-stream.ts'
import { backOff, Deadline, pause } from '../../client/pause.ts'
import { ApiError, call, open, refusal } from '../api/client.ts'
import type { PushEvent } from '../api/types.ts'
import { consumerName, endConsumer } from './last-events.ts'

export interface Watched {
  readonly app: string
  readonly types: string
  readonly from: 'earliest' | 'latest'
}

export interface LiveEvents {
  /** `refused`: it does not try again by itself. */
  readonly state: 'paused' | 'connecting' | 'live' | 'waiting' | 'refused'
  /** The newest first. */
  readonly events: readonly PushEvent[]
  readonly missed: number
  readonly error: Error | undefined
}

const NOTHING: LiveEvents = { state: 'paused', events: [], missed: 0, error: undefined }
/** Kept in the page. */
const MOST = 500
/** The server says something at once, and then every 20 s (`PUSH_STREAM_COMMENT`). A proxy may gather answers. */
const FIRST_WORD_MS = 10_000
const QUIET_MS = 60_000
/** Acknowledged at most so often: what is unread counts, and may be refused to a device. */
const ACKNOWLEDGE_MS = 2_000

const SILENT = {
  code: 'STREAM_SILENT',
  title: 'The stream says nothing. A proxy in front of the server may be holding it back.',
}
const LOST = { code: 'STREAM_ENDED', title: 'The stream was cut.' }

/** @param watched undefined: nothing now, and what came stays */
export function useLiveEvents(watched: Watched | undefined): readonly [LiveEvents, () => void] {
  const [live, setLive] = useState(NOTHING)
  useEffect(() => {
    if (watched === undefined) return
    setLive({ ...NOTHING, state: 'connecting' })
    const following = new Following(watched, setLive)
    following.run().catch(() => undefined)
    return () => {
      following.end()
      setLive((last) => ({ ...last, state: 'paused', error: undefined }))
    }
  }, [watched])
  return [live, () => setLive((last) => ({ ...last, events: [], missed: 0 }))]
}

type Change = (change: (last: LiveEvents) => LiveEvents) => void

class Following {
  readonly #watched: Watched
  readonly #change: Change
  readonly #consumer = consumerName()
  readonly #gone = new AbortController()
  /** Cursor of the last event that has one: a stream goes on after it. */
  #cursor: string | undefined
  #acknowledged: string | undefined
  #isAcknowledging = false
  /** Came after the cursor: they come again with the next stream. */
  readonly #unsettled = new Set<string>()
  /** As the stream told last, of what was not acknowledged. */
  #missed = 0
  #failures = 0
  /** What the stream asks for, ms. */
  #retryMs = 0

  constructor(watched: Watched, change: Change) {
    this.#watched = watched
    this.#change = change
  }

  end(): void {
    this.#gone.abort()
    endConsumer(this.#watched.app, this.#consumer).catch(() => undefined)
  }

  /** Until it is ended, or refused. */
  async run(): Promise<void> {
    const { signal } = this.#gone
    while (!signal.aborted) {
      try {
        await this.#stream()
      } catch (thrown) {
        if (signal.aborted) return
        const error = thrown instanceof Error ? thrown : new Error(String(thrown))
        const goesOn = this.#goesOn(error)
        this.#change((last) => ({ ...last, state: goesOn ? 'waiting' : 'refused', error }))
        if (!goesOn) return
        this.#failures += 1
        await backOff(this.#failures, signal, this.#retryMs)
      }
    }
  }

  /** What is wrong with the request is wrong with the next one too. */
  #goesOn(error: Error): boolean {
    // Such as after the store was replaced: then without it.
    if (error instanceof ApiError && error.code === 'CURSOR_INVALID' && this.#cursor !== undefined) {
      this.#cursor = undefined
      return true
    }
    return !(error instanceof ApiError) || isPassing(error)
  }

  /** @throws why it ended */
  async #stream(): Promise<void> {
    const { app, types, from } = this.#watched
    const deadline = new Deadline(FIRST_WORD_MS, this.#gone.signal)
    const headers = this.#cursor === undefined ? {} : { 'last-event-id': this.#cursor }
    const query = { app, consumer: this.#consumer, types, from, ack: 'auto' }
    let isAlive = false
    const read = async <T>(work: () => Promise<T>) => {
      deadline.restart(isAlive ? QUIET_MS : FIRST_WORD_MS)
      return await deadline.race(work())
    }
    try {
      const { body } = await open('GET', 'events/stream', { query, headers, signal: deadline.signal })
      if (body === null) throw new ApiError(LOST)
      for await (const block of readBlocks(body, { read })) {
        if (!isAlive) this.#change((last) => ({ ...last, state: 'live', error: undefined }))
        isAlive = true
        this.#take(block)
      }
    } catch (error) {
      if (deadline.isOver) throw new ApiError(SILENT)
      // The body of a connection that is cut.
      throw error instanceof TypeError ? new ApiError(LOST) : error
    } finally {
      deadline.end()
    }
    throw new ApiError(LOST)
  }

  #take({ event: type, data, id, retry }: StreamBlock): void {
    if (retry !== undefined) this.#retryMs = Number(retry)
    if (type === 'end') throw refusal(JSON.parse(data ?? '{}'))
    if (type === 'missed') this.#miss(JSON.parse(data ?? '{}'))
    else if (data !== undefined) this.#show(JSON.parse(data))
    // It goes on for longer than its first word.
    if (retry === undefined) this.#failures = 0
    if (id === undefined) return
    this.#cursor = id
    this.#unsettled.clear()
    this.#acknowledge().catch(() => undefined)
  }

  #show(event: PushEvent): void {
    if (this.#unsettled.has(event.eventId)) return
    this.#unsettled.add(event.eventId)
    this.#change((last) => ({ ...last, events: [event, ...last.events].slice(0, MOST) }))
  }

  /** It tells how many in all, until that is acknowledged. */
  #miss({ missed }: { readonly missed: number }): void {
    const more = Math.max(0, missed - this.#missed)
    this.#missed = missed
    this.#change((last) => ({ ...last, missed: last.missed + more }))
  }

  async #acknowledge(): Promise<void> {
    if (this.#isAcknowledging) return
    const { signal } = this.#gone
    const { app } = this.#watched
    this.#isAcknowledging = true
    try {
      while (this.#cursor !== this.#acknowledged && !signal.aborted) {
        const cursor = this.#cursor
        await call('POST', 'events/ack', { body: { app, consumer: this.#consumer, cursor }, signal })
        this.#acknowledged = cursor
        this.#missed = 0
        await pause(ACKNOWLEDGE_MS, signal)
      }
    } finally {
      // Where it failed, the next event acknowledges what came before it as well.
      this.#isAcknowledging = false
    }
  }
}
