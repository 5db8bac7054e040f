/** Appending to private and broadcast logs, and acknowledging. */
import { PushError } from '../../errors.ts'
import { isForAll } from '../../topics/index.ts'
import type { Appended, BroadcastAppend, Commit, Message, PrivateAppend, StoreLimits, TokenId } from '../contract.ts'
import { moveCursors } from '../marks.ts'
import { entryOf } from '../message.ts'
import { clamp } from './bytes.ts'
import {
  broadcastLogPrefix,
  Kind,
  messageIdKey,
  retainedBroadcastKey,
  retainedIndexKey,
  retainedPrivateKey,
} from './keys.ts'
import { Log } from './log.ts'
import { cursorsOf, decodeTimed, encodeTimed, type Mutable, type TokenState, trimmable } from './records.ts'
import type { RetainedChanges } from './retained-index.ts'
import type { Transaction } from './transaction.ts'

/** @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED */
export function append(transaction: Transaction, limits: StoreLimits, request: PrivateAppend): Appended {
  const { tokenId, message, dedupe } = request
  const token = transaction.token(tokenId)
  if (token === undefined || (request.app !== undefined && request.app !== token.app)) {
    throw new PushError('TOKEN_UNKNOWN')
  }
  if (token.revoked) throw new PushError('TOKEN_REVOKED')
  if (request.onlyCurrent === true && !token.current) throw new PushError('TOKEN_SUPERSEDED')
  const idKey = dedupe ? messageIdKey(Kind.privateId, tokenId, message.id) : undefined
  const first = idKey && remembered(transaction, idKey)
  if (first !== undefined) return { offset: first, duplicate: true, dropped: 0 }

  const log = transaction.privateLog(tokenId, token)
  log.trim(trimmable(token))
  const room = { messages: limits.privateMessages, bytes: limits.privateBytes }
  const dropped = log.makeRoom(message.payload.byteLength, room)
  const { offset, bytes } = log.append(message)
  if (idKey) remember(transaction, idKey, offset, message, limits.dedupeMs)
  const draft = transaction.draft(tokenId, token)
  draft.log = log.state
  if (message.retain) draft.retainedUntil = retain(transaction, tokenId, message, bytes)
  const entry = entryOf(message, offset)
  transaction.tell((watcher) => watcher.privateAppended(tokenId, offset, entry))
  return { offset, duplicate: false, dropped }
}

/**
 * The retained broadcasts have to be prepared when the message is retained.
 * @throws RETAINED_LIMIT
 */
export function appendBroadcast(transaction: Transaction, limits: StoreLimits, request: BroadcastAppend): Appended {
  const { app: name, selector, message, dedupe } = request
  const idKey = dedupe ? messageIdKey(Kind.broadcastId, name, message.id) : undefined
  const first = idKey && remembered(transaction, idKey)
  if (first !== undefined) return { offset: first, duplicate: true, dropped: 0 }
  if (message.retain) checkRetainedLimit(transaction, limits, request)

  const app = transaction.app(name)
  const log = new Log(transaction, 'broadcast', broadcastLogPrefix(name), app.log)
  const room = { messages: limits.broadcastMessages, bytes: limits.broadcastBytes }
  const dropped = log.makeRoom(message.payload.byteLength, room)
  const { offset, bytes } = log.append(message, selector)
  if (idKey) remember(transaction, idKey, offset, message, limits.dedupeMs)
  transaction.setApp(name, { ...app, log: log.state })
  if (message.retain) retainBroadcast(transaction, request, offset, bytes)
  transaction.tell((watcher) => watcher.broadcastAppended(name, offset, { ...message, selector, offset }))
  return { offset, duplicate: false, dropped }
}

/** Returns the commits that were refused. */
export function commit(transaction: Transaction, commits: readonly Commit[]): readonly Commit[] {
  const refused: Commit[] = []
  for (const each of commits) {
    const token = transaction.token(each.tokenId)
    if (token === undefined) continue
    if (each.epoch !== undefined && each.epoch < token.epoch) refused.push(each)
    else move(transaction, token, each)
  }
  return refused
}

function move(transaction: Transaction, token: TokenState, commit: Commit): void {
  const { tokenId } = commit
  const before = cursorsOf(token)
  const looksAtEnd = (commit.broadcast ?? 0) > before.broadcast || commit.passed !== undefined
  const broadcastEnd = looksAtEnd ? transaction.app(token.app).log.last : before.broadcast
  const after = moveCursors(before, commit, { private: token.log.last, broadcast: broadcastEnd })
  if (after === before) return
  const draft = transaction.draft(tokenId, token)
  draft.cursor = after.private
  draft.broadcastCursor = after.broadcast
  draft.marks = after.marks
  trim(transaction, tokenId, token, draft)
  if (commit.epoch !== undefined || token.session?.held !== true) return
  transaction.tell((watcher) => watcher.cursorMoved(tokenId, after))
}

/** Everything up to the cursor goes but what is skipped, and so does what was skipped and is no longer. */
function trim(transaction: Transaction, tokenId: TokenId, before: TokenState, after: Mutable<TokenState>): void {
  const were = before.marks?.skippedPrivate ?? []
  const are = after.marks?.skippedPrivate ?? []
  if (after.cursor === before.cursor && were === are) return
  const log = transaction.privateLog(tokenId, before)
  const through = trimmable(after)
  log.trim(through)
  for (const offset of were) if (offset > through && !are.includes(offset)) log.removeOne(offset)
  for (let offset = Math.max(before.cursor, through) + 1; offset <= after.cursor; offset += 1)
    if (!are.includes(offset)) log.removeOne(offset)
  after.log = log.state
}

/** Offset under which a message with this id was stored, while that is remembered. */
function remembered(transaction: Transaction, idKey: Buffer): number | undefined {
  const bytes = transaction.get(idKey)
  if (bytes === undefined) return undefined
  const { offset, until } = decodeTimed(bytes)
  return until > transaction.now ? offset : undefined
}

function remember(transaction: Transaction, idKey: Buffer, offset: number, message: Message, forMs: number): void {
  const until = clamp(Math.max(transaction.now + forMs, message.expiresAt))
  transaction.put(idKey, encodeTimed(offset, until))
  transaction.addDue(until, idKey)
}

/** Returns until when something is retained. */
function retain(transaction: Transaction, tokenId: string, message: Message, bytes: Buffer): number {
  const key = retainedPrivateKey(tokenId)
  if (message.payload.byteLength > 0) {
    transaction.put(key, bytes)
    return Math.max(1, clamp(message.expiresAt))
  }
  transaction.delete(key)
  return 0
}

/** Every selector that is kept counts, cleared ones too; a clearing that hides nothing is not kept. */
function checkRetainedLimit(transaction: Transaction, limits: StoreLimits, request: BroadcastAppend): void {
  const { app, selector, message } = request
  const index = transaction.retained(app)
  if (isForAll(selector) || index.has(selector) || index.size < limits.retainedBroadcasts) return
  if (message.payload.byteLength > 0 || index.hides(selector, Infinity)) throw new PushError('RETAINED_LIMIT')
}

function retainBroadcast(transaction: Transaction, request: BroadcastAppend, offset: number, bytes: Buffer): void {
  const { app, selector, message } = request
  const until = message.payload.byteLength === 0 ? 0 : Math.max(1, clamp(message.expiresAt))
  changeRetained(transaction, app, transaction.retained(app).retain(selector, { offset, until }), bytes)
}

/** Writes what changed. A row that lives is the one whose entry is given. */
export function changeRetained(
  transaction: Transaction,
  app: string,
  changes: RetainedChanges,
  bytes: Buffer | undefined,
): void {
  const index = transaction.retained(app).with(changes)
  for (const [selector, row] of changes) {
    const indexKey = retainedIndexKey(app, selector)
    if (row === undefined) transaction.delete(indexKey)
    else transaction.put(indexKey, encodeTimed(row.offset, row.until))
    if (row !== undefined && row.until > 0 && bytes !== undefined) {
      transaction.put(retainedBroadcastKey(app, selector), bytes)
    } else {
      transaction.delete(retainedBroadcastKey(app, selector))
    }
  }
  transaction.setRetained(app, index)
  transaction.setApp(app, { ...transaction.app(app), retainedUntil: index.nextExpiry })
}
