/** When something of a record has to be looked at by a sweep. */
import { type AppState, NEVER, type TokenState } from './records.ts'
import { hasRest, type UpstreamState } from './upstream-records.ts'

/**
 * A token id is forgotten this long after its newest JWT expired (and nothing of it is pending or retained): as long as
 * a message can live, so that a device which comes back with a new JWT still finds its broadcasts.
 */
const FORGOTTEN_AFTER_MS = 28 * 24 * 60 * 60 * 1000

export function forgottenAt(token: TokenState): number {
  return token.expiresAt + FORGOTTEN_AFTER_MS
}

export function tokenDueAt(token: TokenState, now: number): number {
  const { log, session, retainedUntil } = token
  let dueAt = NEVER
  if (log.count > 0) dueAt = Math.min(dueAt, log.dueAt)
  if (retainedUntil > 0) dueAt = Math.min(dueAt, retainedUntil)
  if (session !== undefined && !session.held && !session.unclean) dueAt = Math.min(dueAt, session.expiresAt)
  const end = forgottenAt(token)
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
