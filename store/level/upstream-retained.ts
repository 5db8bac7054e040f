/** The last retained message of each upstream topic: it ends with its expiry, a revocation, or with its token id. */
import { PushError } from '../../errors.ts'
import type { StoreLimits, TokenId, UpstreamAppend, UpstreamEntry } from '../contract.ts'
import { clamp } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import {
  dueKey,
  parseRetainedUpstreamOwner,
  retainedUpstreamKey,
  retainedUpstreamPrefix,
  startingWith,
} from './keys.ts'
import type { TokenState } from './records.ts'
import type { Transaction } from './transaction.ts'
import { decodeUpstreamEntry, encodeUpstreamEntry } from './upstream-entry.ts'
import { keysIn } from './walk.ts'

type Retained = Pick<UpstreamAppend, 'app' | 'tokenId' | 'subject' | 'message'>

/**
 * Changes nothing.
 * @throws RETAINED_LIMIT
 */
export function checkRetained(
  transaction: Transaction,
  limits: StoreLimits,
  token: TokenState,
  { app, tokenId, subject, message }: UpstreamAppend,
): void {
  const { retained = 0 } = token.upstream ?? {}
  if (message.payload.byteLength === 0 || retained < limits.upstreamRetained) return
  if (transaction.get(retainedUpstreamKey(app, tokenId, subject)) === undefined) throw new PushError('RETAINED_LIMIT')
}

/** An empty payload removes what is retained. */
export function retainUpstream(transaction: Transaction, append: Retained, offset: number): void {
  const { app, tokenId, subject, message } = append
  const key = retainedUpstreamKey(app, tokenId, subject)
  const before = removeRetained(transaction, key) ? 1 : 0
  const after = message.payload.byteLength > 0 ? 1 : 0
  if (after === 1) {
    const { expiresAt } = message
    transaction.put(key, encodeUpstreamEntry({ offset, message, expiresAt, tokenId, subject, indexed: true }))
    transaction.addDue(clamp(expiresAt), key)
  }
  count(transaction, tokenId, after - before)
}

/** What another store had. What is here, and is not older, stays. */
export function restoreRetained(transaction: Transaction, app: string, entries: readonly UpstreamEntry[]): void {
  for (const message of entries) {
    const { tokenId, subject } = message
    if (message.expiresAt <= transaction.now) continue
    const bytes = transaction.get(retainedUpstreamKey(app, tokenId, subject))
    if (bytes !== undefined && orDamaged(() => decodeUpstreamEntry(bytes)).storedAt >= message.storedAt) continue
    retainUpstream(transaction, { app, tokenId, subject, message }, 0)
  }
}

/** All that a token id retains; it must be prepared. */
export function forgetRetained(transaction: Transaction, tokenId: TokenId): void {
  const token = transaction.token(tokenId)
  if (token?.upstream === undefined || token.upstream.retained === 0) return
  for (const key of transaction.upstream.retainedKeys(tokenId, token)) removeRetained(transaction, key)
  count(transaction, tokenId, -token.upstream.retained)
}

/** It may have been retained again since it was due. */
export function expireRetained(transaction: Transaction, key: Buffer, now: number): void {
  const expiresAt = expiryOf(transaction, key)
  if (expiresAt === undefined || expiresAt > now) return
  transaction.delete(key)
  count(transaction, parseRetainedUpstreamOwner(key), -1)
}

/** What has not expired, of an app or of one token id. */
export async function* retainedOf(
  database: Database,
  now: () => number,
  app: string,
  tokenId?: TokenId,
): AsyncIterable<UpstreamEntry> {
  for await (const key of keysIn(database, startingWith(retainedUpstreamPrefix(app, tokenId)))) {
    const bytes = database.get(key)
    if (bytes === undefined) continue
    const entry = orDamaged(() => decodeUpstreamEntry(bytes))
    if (entry.expiresAt > now()) yield entry
  }
}

/** False: there was nothing. */
function removeRetained(transaction: Transaction, key: Buffer): boolean {
  const expiresAt = expiryOf(transaction, key)
  if (expiresAt === undefined) return false
  transaction.delete(key)
  transaction.delete(dueKey(expiresAt, key))
  return true
}

function expiryOf(transaction: Transaction, key: Buffer): number | undefined {
  const bytes = transaction.get(key)
  return bytes && orDamaged(() => decodeUpstreamEntry(bytes)).expiresAt
}

function count(transaction: Transaction, tokenId: TokenId, more: number): void {
  const token = transaction.token(tokenId)
  if (token !== undefined && more !== 0) transaction.upstream.use(tokenId, token, { retained: more })
}
