/** A batch of events as it is sent. */
import { appOfEventLog, eventLog, type ReaderMove, type Store } from '../../store/contract.ts'
import { encodeEventCursor, type EventMoves } from '../events/event-cursor.ts'
import type { EventPage } from '../events/event-page.ts'
import { UPSTREAM } from '../events/event-types.ts'
import type { Standing } from '../events/standing.ts'
import type { Batch } from './delivery-row.ts'
import { cursorOwnerOf } from './readers.ts'
import type { Webhook } from './webhook-row.ts'

/** Events of one call at most. */
export const LARGEST_BATCH = 100
/** The `type` of what is sent. */
export const EVENTS_TYPE = 'events'
export const TEST_TYPE = 'webhook.test'

interface BatchContext {
  readonly store: Pick<Store, 'upstreamParts'>
  readonly now: () => number
  readonly randomId: () => string
}

export function makeBatch(context: BatchContext, webhook: Webhook, page: EventPage, standings: readonly Standing[]) {
  const { app, place } = webhook
  const { events, missed, moves } = page
  const newest = events.reduce((latest, { at }) => (at > latest ? at : latest), '')
  const timestamp = newest === '' ? new Date(context.now()).toISOString() : newest
  const cursor = encodeEventCursor(cursorOwnerOf(context.store, webhook), positions(context, app, standings, moves))
  const body = Buffer.from(JSON.stringify({ type: EVENTS_TYPE, timestamp, data: { app, events, missed, cursor } }))
  const upstream = events.filter(({ type }) => type === UPSTREAM).length
  return { id: makeId(context), body, moves, events: events.length, upstream, place } satisfies Batch
}

export function makeTest(context: BatchContext, { app }: Webhook): Pick<Batch, 'id' | 'body'> {
  const timestamp = new Date(context.now()).toISOString()
  return { id: makeId(context), body: Buffer.from(JSON.stringify({ type: TEST_TYPE, timestamp, data: { app } })) }
}

/** It has no `.`, which separates what is signed. */
function makeId({ randomId }: BatchContext): string {
  return `msg_${randomId().replaceAll(/[^A-Za-z0-9_-]/g, '')}`
}

/** Where the webhook stands after the batch, in all parts: what a replay begins after. */
function positions(
  { store }: BatchContext,
  app: string,
  standings: readonly Standing[],
  moves: EventMoves,
): EventMoves {
  const of = (log: string, moved: readonly ReaderMove[]): readonly ReaderMove[] => {
    const standing = standings.find((each) => each.log === log)
    if (standing === undefined) return []
    const to = new Map(moved.map(({ part, cursor }) => [part, cursor]))
    const parts = Array.from({ length: store.upstreamParts }, (_, part) => part)
    return parts
      .map((part) => ({ part, cursor: Math.max(standing.cursor(part), to.get(part) ?? 0) }))
      .filter(({ cursor }) => cursor > 0)
  }
  return { events: of(eventLog(app), moves.events), upstream: of(app, moves.upstream) }
}

/** All of it is acknowledged already: the batch was delivered, and who delivered it died before it wrote so. */
export function isPassed({ moves }: Batch, standings: readonly Standing[]): boolean {
  return standings.every((standing) => {
    const ofLog = appOfEventLog(standing.log) === undefined ? moves.upstream : moves.events
    return ofLog.every(({ part, cursor }) => standing.cursor(part) >= cursor)
  })
}
