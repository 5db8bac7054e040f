/** When a sweep must check a record. */
import type { Limits } from '../../common/limits.ts'
import { type AppState, NEVER, type TokenState } from './records.ts'
import { hasRest, type UpstreamState } from './upstream-records.ts'

/** As long as a message can live: a device which comes back with a new JWT until then still finds its broadcasts. */
const MESSAGE_MS = 28 * 24 * 60 * 60 * 1000

/** How long after its newest JWT expired a token id is kept at least; its account may keep the device for longer. */
export function tokenKeptMs({ deviceHoldMs }: Pick<Limits, 'deviceHoldMs'>): number {
  return Math.max(MESSAGE_MS, deviceHoldMs)
}

/** When a token id is forgotten of which nothing is pending or retained. */
export function forgottenAt(token: TokenState, keptMs: number): number {
  return token.expiresAt + keptMs
}

export function tokenDueAt(token: TokenState, keptMs: number, now: number): number {
  const { log, session, retainedUntil } = token
  let dueAt = NEVER
  if (log.count > 0) dueAt = Math.min(dueAt, log.dueAt)
  if (retainedUntil > 0) dueAt = Math.min(dueAt, retainedUntil)
  if (session !== undefined && !session.held && !session.unclean) dueAt = Math.min(dueAt, session.expiresAt)
  const end = forgottenAt(token, keptMs)
  // Past its end, it stays for what is pending or retained, whose time is among the others.
  return end > now || dueAt >= NEVER ? Math.min(dueAt, end) : dueAt
}

export function appDueAt({ log, retainedUntil }: AppState): number {
  let dueAt = NEVER
  if (log.count > 0) dueAt = Math.min(dueAt, log.dueAt)
  if (retainedUntil > 0) dueAt = Math.min(dueAt, retainedUntil)
  return dueAt
}

/** A log that could not be trimmed in one call goes on at once. */
export function upstreamDueAt(state: UpstreamState, now: number): number {
  if (hasRest(state)) return now
  return state.log.count > 0 ? Math.min(state.log.dueAt, state.nextEnd) : state.nextEnd
}
