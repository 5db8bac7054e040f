/** Events of an app as they come, by a long poll. They go with the page. */
import { useEffect, useState } from 'preact/hooks'
import { ApiError, call } from '../api/client.ts'
import type { EventPage, PushEvent } from '../api/types.ts'
import { consumerName, endConsumer } from './last-events.ts'

export interface Watched {
  readonly app: string
  readonly types: string
  readonly from: 'earliest' | 'latest'
}

export interface LiveEvents {
  /** The newest first. */
  readonly events: readonly PushEvent[]
  readonly missed: number
  readonly error: Error | undefined
}

const NOTHING: LiveEvents = { events: [], missed: 0, error: undefined }
/** Kept in the page. */
const MOST = 500
const WAIT_S = 25
const PAUSE_MS = 3_000

/** @param watched undefined: nothing now, and what came stays */
export function useLiveEvents(watched: Watched | undefined): readonly [LiveEvents, () => void] {
  const [live, setLive] = useState(NOTHING)
  useEffect(() => {
    if (watched === undefined) return
    const gone = new AbortController()
    const consumer = consumerName()
    setLive(NOTHING)
    follow(watched, consumer, gone.signal, setLive).catch(() => undefined)
    return () => {
      gone.abort()
      endConsumer(watched.app, consumer).catch(() => undefined)
    }
  }, [watched])
  return [live, () => setLive(NOTHING)]
}

type Change = (change: (last: LiveEvents) => LiveEvents) => void

async function follow({ app, types, from }: Watched, consumer: string, signal: AbortSignal, change: Change) {
  while (!signal.aborted) {
    try {
      const query = { app, consumer, types, from, wait: WAIT_S, limit: 100 }
      const { events, cursor, missed } = await call<EventPage>('GET', 'events', { query, signal })
      if (events.length > 0 || missed > 0) {
        const newest = events.toReversed()
        change((last) => ({
          events: [...newest, ...last.events].slice(0, MOST),
          missed: last.missed + missed,
          error: undefined,
        }))
      }
      await call('POST', 'events/ack', { body: { app, consumer, cursor }, signal })
    } catch (error) {
      if (signal.aborted) return
      change((last) => ({ ...last, error: error instanceof Error ? error : new Error(String(error)) }))
      // What is wrong with the request is wrong with the next one too.
      if (error instanceof ApiError && !isPassing(error.code)) return
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

function isPassing(code: string): boolean {
  return ['UNREACHABLE', 'STORE_UNAVAILABLE', 'RATE_LIMITED', 'SHUTTING_DOWN', 'INTERNAL', 'CONSUMER_UNKNOWN'].includes(
    code,
  )
}
