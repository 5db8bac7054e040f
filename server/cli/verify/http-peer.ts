/** Somebody who listens over HTTP: one stream, or lookups. */
import { askAt, type Ask } from '../ask.ts'
import { streamEvents } from '../events.ts'
import { Arrivals, inTime, type Receiver } from './ledger.ts'

interface Message {
  readonly payload?: string
}

export interface Page {
  readonly messages: readonly Message[]
  readonly cursor: string
  readonly more: boolean
}

/** Resolves when the stream is open. */
export async function openStreamPeer(
  url: string,
  who: string,
  bearer: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Receiver> {
  const arrivals = new Arrivals(who)
  const stop = new AbortController()
  let reading: Promise<void> | undefined
  await inTime<unknown>(`no stream for ${who}`, (done) => {
    const events = streamEvents({
      url,
      path: '/v1/messages/stream',
      query,
      bearer,
      signal: stop.signal,
      opened: done,
      lost: () => undefined,
    })
    reading = read(events, arrivals)
    // Who waits for what it does not bring says so.
    reading.then(done, done)
  })
  return {
    who,
    way: 'ticket' in query ? 'a stream with a ticket' : 'a stream',
    received: arrivals.received,
    until: (text) => arrivals.until(text),
    async close() {
      stop.abort()
      await reading?.catch(() => undefined)
    },
  }
}

async function read(events: ReturnType<typeof streamEvents>, arrivals: Arrivals): Promise<void> {
  for await (const { type, data } of events) if (type === 'message') arrivals.push((data as Message).payload ?? '')
}

/** Looks up, and acknowledges nothing. */
export function openLookupPeer(url: string, who: string, bearer: string): Receiver {
  const ask = askAt(url, bearer)
  const received: string[] = []
  return {
    who,
    way: 'a lookup',
    received,
    async until(text) {
      const page = await lookup(ask)
      for (const { payload = '' } of page.messages) received.push(payload)
      if (!received.includes(text)) throw new Error(`${who} did not look up what is its own`)
    },
    close: async () => undefined,
  }
}

export async function lookup(ask: Ask): Promise<Page> {
  return (await ask('GET', '/v1/messages?limit=100')) as Page
}
