/** The last events of one token: of those that are stored for its app, by a consumer that goes again. */
import { call, part } from '../api/client.ts'
import type { EventPage, PushEvent } from '../api/types.ts'

/** Pages of a thousand that are gone through. */
const PAGES = 5
const SHOWN = 20

/** Nobody else reads under this name. */
export function consumerName(): string {
  const random = crypto.getRandomValues(new Uint8Array(9))
  return `console-${Array.from(random, (byte) => byte.toString(36).padStart(2, '0')).join('')}`
}

/** The newest first. */
export async function lastEventsOf(app: string, tokenId: string, signal: AbortSignal): Promise<readonly PushEvent[]> {
  const consumer = consumerName()
  const found: PushEvent[] = []
  try {
    for (let pages = 0; pages < PAGES; pages++) {
      const query = { app, consumer, from: 'earliest', limit: 1_000 }
      const { events, cursor, more } = await call<EventPage>('GET', 'events', { query, signal })
      found.push(...events.filter((event) => event.tokenId === tokenId))
      if (!more) break
      await call('POST', 'events/ack', { body: { app, consumer, cursor }, signal })
    }
  } finally {
    await endConsumer(app, consumer)
  }
  return found.slice(-SHOWN).toReversed()
}

/** It would end by itself, but later. */
export async function endConsumer(app: string, consumer: string): Promise<void> {
  await call('DELETE', `events/consumers/${part(consumer)}`, { query: { app } }).catch(() => undefined)
}
