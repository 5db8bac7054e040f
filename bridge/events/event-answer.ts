/** Events as they appear in responses. */
import { appOfEventLog, type UpstreamEntry } from '../../store/contract.ts'
import { upstreamPrefix } from '../../topics/index.ts'
import { payloadOf } from '../payload.ts'
import { UPSTREAM } from './event-types.ts'

/** In the place of a token id: what an event is about that is of no single one. */
export const NO_TOKEN_ID = 'A'.repeat(22)

export interface EventAnswer {
  readonly type: string
  /** Id of the message that it is about. */
  readonly id: string
  /** Absent: of all token ids of the app. */
  readonly tokenId?: string
  readonly app: string
  /** ISO 8601 in UTC. */
  readonly at: string
  /** The same for the same event, however often it comes. */
  readonly eventId: string
  readonly [more: string]: unknown
}

export function eventOf(log: string, entry: UpstreamEntry): EventAnswer {
  const app = appOfEventLog(log)
  return app === undefined ? upstreamEvent(log, entry) : loggedEvent(app, entry)
}

function loggedEvent(app: string, entry: UpstreamEntry): EventAnswer {
  const { subject, id, tokenId, offset } = entry
  const about = tokenId === NO_TOKEN_ID ? {} : { tokenId }
  const event = { type: subject, id, ...about, app, at: timeOf(entry) }
  return { ...event, eventId: `${tokenId}.event.${offset}`, ...detailsOf(entry), ...event }
}

/** What the payload says beside; one that is no JSON object says nothing. */
function detailsOf({ payload: { buffer, byteOffset, byteLength } }: UpstreamEntry): Record<string, unknown> {
  try {
    const details: unknown = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'))
    return typeof details === 'object' && details !== null && !Array.isArray(details) ? { ...details } : {}
  } catch {
    return {}
  }
}

function upstreamEvent(app: string, entry: UpstreamEntry): EventAnswer {
  const { id, tokenId, subject } = entry
  const topic = `${upstreamPrefix(app, tokenId)}${subject}`
  // The server has made the id, for this message alone.
  return { type: UPSTREAM, id, tokenId, app, at: timeOf(entry), eventId: id, topic, ...payloadOf(entry.payload) }
}

function timeOf({ storedAt }: UpstreamEntry): string {
  return new Date(storedAt).toISOString()
}
