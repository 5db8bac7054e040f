/**
 * Subscriptions of sessions: a log of their changes, and a table of their current state. The rows of a session have a
 * number of their own, after a first row with the name of the session; rows without that are deleted by a sweep.
 */
import { PushError } from '../../errors.ts'
import type {
  LoggedSubscriptionChange,
  SessionSubscriptions,
  SubscriptionChange,
  SubscriptionSlice,
} from '../contract.ts'
import { ValueWriter } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import {
  Kind,
  kindRange,
  metaKey,
  numberOf,
  numberRange,
  numbersRange,
  subscriptionChangeKey,
  subscriptionKey,
} from './keys.ts'
import { hasEnded, type NamedSession, versioned } from './named-records.ts'
import { changeRows, readRows } from './subscription-rows.ts'
import type { Transaction } from './transaction.ts'

/** Length of the log of changes. A reader that is further behind reads the table. */
const MOST_CHANGES = 10_000
const MOST_BYTES = 16 * 1024 * 1024
/** Changes removed in one step: more than one per new change, so that the log shrinks to its limits. */
const CUTS = 8

const VERSION = 1
const REPLACES = 1
const HAS_OPTIONS = 1
const NUMBER_BYTES = 8
const STATE_KEY = metaKey('subscription changes')

interface ChangesState {
  readonly last: number
  /** The oldest that is there. */
  readonly first: number
  readonly bytes: number
}

/** @throws SESSION_TAKEN_OVER */
export function changeSubscriptions(transaction: Transaction, change: SubscriptionChange): number {
  const { name, epoch, replaces, filters } = change
  const { sessions } = transaction
  const session = sessions.of(name)
  if (session?.epoch !== epoch || hasEnded(session, transaction.now)) throw new PushError('SESSION_TAKEN_OVER')
  let { table } = session
  if (replaces && table > 0) {
    leaveTable(transaction, table)
    table = 0
  }
  const sets = filters.some(([, options]) => options !== undefined)
  if (table === 0 && sets) table = sessions.newNumber()
  if (table > 0) changeRows(transaction, { table, name, epoch, filters })
  if (table !== session.table) sessions.set(name, { ...session, table })
  return log(transaction, change)
}

/** The session ends. */
export function endSubscriptions(transaction: Transaction, name: string, { table, epoch }: NamedSession): void {
  if (table === 0) return
  leaveTable(transaction, table)
  log(transaction, { name, epoch, replaces: true, filters: [] })
}

/** Without its owner, nobody sees what is in it. */
function leaveTable(transaction: Transaction, table: number): void {
  transaction.delete(subscriptionKey(table))
  transaction.sessions.leave(table)
}

function log(transaction: Transaction, change: SubscriptionChange): number {
  const bytes = transaction.get(STATE_KEY)
  const before = stateOf(bytes)
  const offset = before.last + 1
  const value = encodeChange(change)
  transaction.put(subscriptionChangeKey(offset), value)
  const after = cut(transaction, { ...before, last: offset, bytes: before.bytes + value.length })
  transaction.put(STATE_KEY, encodeState(after))
  transaction.tell((watcher) => watcher.subscriptionsChanged?.(offset))
  return offset
}

function cut(transaction: Transaction, state: ChangesState): ChangesState {
  let { first, bytes } = state
  const { last } = state
  for (let cuts = 0; cuts < CUTS && first < last; cuts += 1) {
    if (last - first < MOST_CHANGES && bytes <= MOST_BYTES) break
    const key = subscriptionChangeKey(first)
    bytes -= transaction.get(key)?.length ?? 0
    transaction.delete(key)
    first += 1
  }
  return { last, first, bytes }
}

// Reading

export function subscriptionsEnd(database: Database): number {
  return stateOf(database.get(STATE_KEY)).last
}

/** Undefined: changes after the offset are gone. */
export async function readSubscriptions(
  database: Database,
  after: number,
  most: number,
): Promise<SubscriptionSlice | undefined> {
  const { first, last } = stateOf(database.get(STATE_KEY))
  if (after < first - 1 || after > last) return undefined
  const through = Math.min(last, after + most)
  if (through === after) return { changes: [], readTo: after, end: last }
  const rows = await database.entries(numbersRange(Kind.subscriptionChange, after + 1, through))
  // They were cut meanwhile.
  if (rows.length < through - after) return undefined
  const changes = rows.map(([key, value]) => orDamaged(() => decodeChange(numberOf(key), value)))
  return { changes, readTo: through, end: last }
}

/** As they are when it begins. */
export function allSubscriptions(database: Database): AsyncIterable<SessionSubscriptions> {
  return readRows(database, kindRange(Kind.subscription))
}

export async function subscriptionsOf(
  database: Database,
  session: NamedSession | undefined,
): Promise<SessionSubscriptions | undefined> {
  if (session === undefined || session.table === 0) return undefined
  for await (const subscriptions of readRows(database, numberRange(Kind.subscription, session.table))) {
    return subscriptions
  }
  return undefined
}

// Other values

function stateOf(bytes: Buffer | undefined): ChangesState {
  if (bytes === undefined) return { last: 0, first: 1, bytes: 0 }
  return orDamaged(() => {
    const from = versioned(bytes)
    return { last: from.number(), first: from.number(), bytes: from.number() }
  })
}

function encodeState({ last, first, bytes }: ChangesState): Buffer {
  return new ValueWriter(1 + 3 * NUMBER_BYTES).byte(VERSION).number(last).number(first).number(bytes).done()
}

function encodeChange({ name, epoch, replaces, filters }: SubscriptionChange): Buffer {
  let size = 1 + 4 * NUMBER_BYTES + name.length * 3
  for (const [filter, options] of filters) size += filter.length * 3 + (options?.byteLength ?? 0) + 3 * NUMBER_BYTES
  const out = new ValueWriter(size)
    .byte(VERSION)
    .number(replaces ? REPLACES : 0)
    .number(epoch)
    .text(name)
    .number(filters.length)
  for (const [filter, options] of filters) {
    out.number(options === undefined ? 0 : HAS_OPTIONS).text(filter)
    if (options !== undefined) out.blob(options)
  }
  return out.done()
}

function decodeChange(offset: number, bytes: Buffer): LoggedSubscriptionChange {
  const from = versioned(bytes)
  const flags = from.number()
  const epoch = from.number()
  const name = from.text()
  const filters = Array.from({ length: from.number() }, (): readonly [string, Uint8Array?] => {
    const hasOptions = (from.number() & HAS_OPTIONS) !== 0
    const filter = from.text()
    return hasOptions ? [filter, from.blob()] : [filter]
  })
  return { offset, name, epoch, replaces: (flags & REPLACES) !== 0, filters }
}
