/** The steps that the script knows, and how their results are read. The head of each file in `lua/` describes them. */
import type { LogEntry, LogSlice, Missed, TokenInspection, TokenRecord } from '../contract.ts'
import { asDetails } from './details.ts'
import type { Result, StepKind } from './lanes.ts'
import { asCursors } from './marks.ts'
import type { Packed } from './pack.ts'
import { asBytes, asNumber, asText } from './values.ts'

export * from './values.ts'

const reads = (name: string): StepKind => ({ name, changes: false, stores: false })
const changes = (name: string): StepKind => ({ name, changes: true, stores: false })
const stores = (name: string): StepKind => ({ name, changes: true, stores: true })

export const REGISTER = stores('register')
export const REVOKE = changes('revoke')
export const LOOKUP = reads('lookup')
export const INSPECT = reads('inspect')
export const RESTORE = stores('restore')
export const TOKEN_PAGE = reads('page')
export const NOTE_DEVICE = stores('note_device')
export const ACCOUNT_DEVICES = reads('account_devices')
export const FORGET_DEVICES = changes('forget_devices')
/** Shares token id, app and whether it must be current, and has two arguments for each message: appends to one token id travel as one. */
export const APPEND: StepKind = { ...stores('append'), joined: { shared: 3, split: splitAppend } }
export const APPEND_WEB_PUSH = stores('append_web_push')
export const READ = reads('read')
export const RETAINED = reads('retained')
export const COMMIT = changes('commit')
export const FOLLOW = changes('follow')
export const MESSAGE_STATUS = reads('message_status')
export const BROADCAST_STATUS = reads('broadcast_status')
export const RECALL = changes('recall')
export const RECALL_BROADCAST = changes('recall_broadcast')
export const COUNT_BROADCASTS = changes('count_broadcasts')
export const TELL_PRIVATE = changes('tell_private')
export const TELL_BROADCAST = changes('tell_broadcast')
export const OPEN = changes('open')
export const SAVE = changes('save')
export const CLOSE = changes('close')
export const CHECK = changes('check')
export const OPEN_NAMED = changes('open_named')
export const SAVE_NAMED = changes('save_named')
export const CLOSE_NAMED = changes('close_named')
export const CHECK_NAMED = changes('check_named')
export const REMEMBER = changes('remember')
export const RELEASE = changes('release')
export const SUBSCRIBE = changes('subscribe')
export const SUBSCRIPTIONS_ENDED = changes('subscriptions_ended')
export const LOOK_NAMED = changes('look_named')
export const CLOSE_DEAD = changes('close_dead')
export const APPEND_SESSIONS = stores('append_sessions')
export const FORGET_UID = changes('forget_uid')
export const READ_SESSION = reads('read_session')
export const COMMIT_SESSION = changes('commit_session')
export const CHANGE_SUBSCRIPTIONS = stores('change_subscriptions')
export const END_SUBSCRIPTIONS = changes('end_subscriptions')
/** All that stand together in a batch are one. */
export const SUBSCRIPTIONS_END: StepKind = { ...reads('subscriptions_end'), joined: { shared: 0, split: repeat } }
export const FOLLOW_SUBSCRIPTIONS = stores('follow_subscriptions')
export const READ_SUBSCRIPTIONS = reads('read_subscriptions')
export const ALL_SUBSCRIPTIONS = reads('subscriptions')
export const SUBSCRIPTIONS_OF = reads('subscriptions_of')
export const SWEEP_SUBSCRIPTIONS = changes('sweep_subscriptions')
export const SWEEP_TABLE = changes('sweep_table')
export const WRITE_ROW = stores('write_row')
export const READ_ROW = reads('read_row')
export const READ_ROWS = reads('read_rows')
export const TABLE_END = reads('table_end')
export const READ_CHANGES = reads('read_changes')
export const TAKE_WILL = changes('take_will')
export const WILL_PUBLISHED = changes('will_published')
export const BEAT = changes('beat')
export const TELL = changes('tell')
export const COUNT_WAKES = reads('count_wakes')
export const COUNT_NODES = reads('count_nodes')
export const FORGET_NODES = changes('forget_nodes')
export const PUBLISH = stores('publish')
export const READ_BROADCAST = reads('read_broadcast')
export const LAST_BROADCAST = reads('last_broadcast')
export const RETAINED_INDEX = reads('retained_index')
export const RETAINED_ENTRY = reads('retained_entry')
export const SWEEP = changes('sweep')
export const SWEEP_BROADCAST = changes('sweep_broadcast')
export const UPSTREAM = stores('upstream')
export const EVENTS = stores('events')
export const GROUP = stores('group')
export const ASSIGN = stores('assign')
export const FORGET_ASSIGNED = changes('forget_assigned')
export const RELEASE_UPSTREAM = changes('release_upstream')
export const READ_UPSTREAM = reads('read_upstream')
export const READ_UNREAD = reads('read_unread')
export const OPEN_READER = changes('open_reader')
export const CLOSE_READER = changes('close_reader')
export const MOVE_READER = changes('move_reader')
export const LISTEN = changes('listen')
export const CLAIM = changes('claim')
export const SETTLE = changes('settle')
export const RENEW_CLAIMS = changes('renew_claims')
export const RELEASE_CLAIMS = changes('release_claims')
export const RETAINERS = reads('retainers')
export const UPSTREAM_RETAINED = reads('upstream_retained')
export const RESTORE_RETAINED = stores('restore_retained')
export const READERS_OF = reads('readers_of')
export const NAMED_SESSIONS = reads('named_sessions')

/** Of one message: { offset, duplicate, dropped, expired (of a duplicate: when it expires), wake this node } */
function splitAppend(result: Result, count: number): readonly Result[] {
  const [here = false, first] = result
  const each: Result[] = []
  if (typeof first === 'number') {
    for (let at = 0; at < count; at++) each.push([first + at, false, 0, 0, here])
  } else {
    for (let at = 2; at + 3 < result.length; at += 4) {
      const isDuplicate = result[at + 1] === true
      each.push([...result.slice(at, at + 4), here === true && !isDuplicate])
    }
  }
  return each
}

function repeat(result: Result, count: number): readonly Result[] {
  return Array.from({ length: count }, () => result)
}

/** `lookup` and `restore` */
export function asTokenRecord(result: Result): TokenRecord {
  return {
    app: asText(result[0]),
    generation: asNumber(result[1]),
    revoked: result[2] === true,
    current: result[3] === true,
    cursors: asCursors(result[4], result[5], result[6]),
    expiresAt: asNumber(result[7]) * 1000,
    lastSeen: asNumber(result[8]) * 1000,
    details: asDetails(result[9]),
  }
}

const SESSION_STATES = ['connected', 'kept', 'none'] as const

/** `inspect` */
export function asTokenInspection(result: Result): TokenInspection {
  const state = asText(result[10])
  return {
    ...asTokenRecord(result),
    session: SESSION_STATES.find((each) => each === state) ?? 'none',
    privateEnd: asNumber(result[11]),
    pending: { messages: asNumber(result[12]), bytes: asNumber(result[13]) },
  }
}

/**
 * `read`: as `asSlice`, with false for the entry of one that was followed and has expired; and as the last what was missed,
 * where something was.
 */
export function asPrivateSlice(
  result: Result,
  decode: (offset: number, entry: Buffer) => LogEntry,
): LogSlice<LogEntry> {
  const entries: LogEntry[] = []
  let expired: number[] | undefined
  for (let at = 2; at + 1 < result.length; at += 2) {
    const offset = asNumber(result[at])
    const entry = result[at + 1]
    if (entry === false) (expired ??= []).push(offset)
    else entries.push(decode(offset, asBytes(entry)))
  }
  const slice = { entries, readTo: asNumber(result[0]), end: asNumber(result[1]) }
  const missed = result.length % 2 === 1 ? asMissed(result.at(-1)) : undefined
  if (expired === undefined && missed === undefined) return slice
  return { ...slice, ...(expired === undefined ? {} : { expired }), ...(missed === undefined ? {} : { missed }) }
}

/** { count, through } */
export function asMissed(value: Packed | undefined): Missed | undefined {
  if (!Array.isArray(value)) return undefined
  const [count, through]: readonly Packed[] = value
  return { count: asNumber(count), through: asNumber(through) }
}

/** `read`, `read_broadcast`, `read_upstream`, `read_session` and `claim`: { read to, last, offset, entry, ... } */
export function asSlice<E extends LogEntry>(result: Result, decode: (offset: number, entry: Buffer) => E): LogSlice<E> {
  const entries: E[] = []
  for (let at = 2; at + 1 < result.length; at += 2) entries.push(decode(asNumber(result[at]), asBytes(result[at + 1])))
  return { entries, readTo: asNumber(result[0]), end: asNumber(result[1]) }
}
