/**
 * Deletes what an ended session by name had under its numbers. When it ends, a due key records the numbers, and sweeps
 * delete the data in portions, so that ending a session with a full log is a small step too.
 */
import { type Database, orDamaged } from './database.ts'
import { dueKey, Kind, numberOf, numberRange, sessionNameKey } from './keys.ts'
import type { NamedSession } from './named-records.ts'
import { sessionHeadOf } from './session-entry.ts'
import { endSubscriptions } from './subscriptions.ts'
import type { Transaction } from './transaction.ts'
import { forgetUidAt } from './uids.ts'

const KINDS = [
  Kind.sessionEntry,
  Kind.sessionReleased,
  Kind.sessionReceived,
  Kind.sessionUid,
  Kind.subscription,
] as const

/** Keys that one step takes of one number, and of all numbers together. */
const MOST = 500
const MOST_TOGETHER = 2_000

/** The session has ended: what is under its numbers is for the sweeps. */
export function leaveRest(transaction: Transaction, name: string, session: NamedSession): void {
  endSubscriptions(transaction, name, session)
  if (session.id === 0) return
  transaction.delete(sessionNameKey(session.id))
  transaction.sessions.leave(session.id)
}

/** Has to come before `sweepRest`. */
export async function prepareRest(transaction: Transaction, database: Database, key: Buffer): Promise<void> {
  const { rests } = transaction.sessions
  let room = MOST_TOGETHER
  for (const { keys } of rests.values()) room -= keys.length
  if (room <= 0) return
  const number = numberOf(key)
  const keys: Buffer[] = []
  for (const kind of KINDS) {
    const most = Math.min(MOST, room) - keys.length
    const found = await database.keys(numberRange(kind, number), most)
    keys.push(...found)
    if (found.length === most) return void rests.set(number, { keys, isLast: false })
  }
  rests.set(number, { keys, isLast: true })
}

/** What was not prepared waits for the next step. */
export function sweepRest(transaction: Transaction, due: Buffer, key: Buffer): void {
  const rest = transaction.sessions.rests.get(numberOf(key))
  if (rest === undefined) return
  for (const each of rest.keys) remove(transaction, each)
  if (rest.isLast) transaction.delete(due)
}

function remove(transaction: Transaction, key: Buffer): void {
  switch (key[0]) {
    case Kind.sessionEntry: {
      const head = transaction.entryHead(key)
      if (head?.indexed) transaction.delete(dueKey(head.expiresAt, key))
      transaction.sessions.dropBody(head?.body)
      break
    }
    case Kind.sessionReleased: {
      const bytes = transaction.get(key)
      transaction.sessions.dropBody(bytes && orDamaged(() => sessionHeadOf(bytes)).body)
      break
    }
    case Kind.sessionUid:
      return forgetUidAt(transaction, key)
  }
  transaction.delete(key)
}
