/** What the parts of the embedded store share. */
import { PushError } from '../../errors.ts'
import type { StoreLimits, StoreObserver } from '../contract.ts'
import type { Database, GroupCommit, Operation } from './group-commit.ts'
import { decodeSeen, encodeSeen } from './values.ts'
import { expiryKey } from './keys.ts'

export interface Context {
  readonly database: Database
  readonly commits: GroupCommit
  readonly limits: StoreLimits
  readonly now: () => number
  readonly observer: StoreObserver
  /** Message ids that are being written: key to offset. */
  readonly unwrittenIds: Map<string, number>
}

export function put(key: Buffer, value: Buffer): Operation {
  return { type: 'put', key, value }
}

export function del(key: Buffer): Operation {
  return { type: 'del', key }
}

/** A point look-up, from memory or the page cache: far cheaper than a turn of the thread pool. */
export function look(database: Database, key: Buffer): Buffer | undefined {
  try {
    return database.getSync(key)
  } catch (cause) {
    throw new PushError('STORE_UNAVAILABLE', 'the embedded store cannot read', { cause })
  }
}

/** Offset under which this id was stored before, and still counts. */
export function seenAt(context: Context, idKey: Buffer): number | undefined {
  const unwritten = context.unwrittenIds.get(idKey.toString('latin1'))
  if (unwritten !== undefined) return unwritten
  const value = look(context.database, idKey)
  if (value === undefined) return undefined
  const seen = decodeSeen(value)
  return seen.until > context.now() ? seen.offset : undefined
}

/** Remembers an id; call the result when it is on disk. */
export function rememberId(
  context: Context,
  idKey: Buffer,
  offset: number,
  until: number,
  operations: Operation[],
): () => void {
  const name = idKey.toString('latin1')
  context.unwrittenIds.set(name, offset)
  operations.push(put(idKey, encodeSeen({ offset, until })), put(expiryKey(until, idKey), Buffer.alloc(0)))
  return () => {
    if (context.unwrittenIds.get(name) === offset) context.unwrittenIds.delete(name)
  }
}
