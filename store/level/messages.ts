/** Appending to private and broadcast logs, and acknowledging. */
import { PushError } from '../../errors.ts'
import { encodeSelector, isForAll } from '../../topics/index.ts'
import type {
  Appended,
  BroadcastAppend,
  Commit,
  Cursors,
  Message,
  PrivateAppend,
  StoreLimits,
  TokenId,
  WebPushAppend,
} from '../contract.ts'
import { moveCursors } from '../marks.ts'
import { entryOf } from '../message.ts'
import { encodeCounts, NOBODY } from './broadcast-counts.ts'
import { clamp } from './bytes.ts'
import { marksOf } from './entry.ts'
import {
  broadcastCollapseKey,
  broadcastCountKey,
  Kind,
  messageIdKey,
  privateCollapseKey,
  retainedBroadcastKey,
  retainedIndexKey,
  retainedPrivateKey,
} from './keys.ts'
import type { Log } from './log.ts'
import { duplicateOf, type RememberedId, rememberId } from './message-ids.ts'
import { decodeNumber, encodeNumber } from './named-records.ts'
import { cursorsOf, encodeTimed, isPending, type Mutable, type TokenState, trimmable } from './records.ts'
import type { RetainedChanges } from './retained-index.ts'
import { honoured, withMissed } from './tokens.ts'
import type { Transaction } from './transaction.ts'

/** @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, ID_REUSED */
export function append(transaction: Transaction, limits: StoreLimits, request: PrivateAppend): Appended {
  const { tokenId, message, dedupe } = request
  const token = receiver(transaction, request)
  const idKey = dedupe ? messageIdKey(Kind.privateId, tokenId, message.id) : undefined
  const first = idKey && duplicateOf(transaction, idKey, request)
  const log = transaction.privateLog(tokenId, token)
  if (first !== undefined) return duplicate(first, log)

  log.trim(trimmable(token))
  const { collapseKey } = message
  if (collapseKey !== undefined) collapsePrivate(transaction, tokenId, token, log, collapseKey)
  const room = { messages: limits.privateMessages, bytes: limits.privateBytes }
  const dropped = message.webPush === true ? 0 : log.makeRoom(message.payload.byteLength, room)
  const { offset, bytes } = log.append(message, marksOf(message, dedupe))
  if (idKey) rememberId(transaction, idKey, offset, request, limits.dedupeMs)
  if (collapseKey !== undefined) transaction.put(privateCollapseKey(tokenId, collapseKey), encodeNumber(offset))
  if (log.hasLost || message.retain) {
    const draft = transaction.draft(tokenId, token)
    draft.log = log.state
    if (dropped > 0) draft.missed = withMissed(token, dropped, log.lastDropped)
    if (message.retain) draft.retainedUntil = retain(transaction, tokenId, message, bytes)
  } else {
    transaction.appended(tokenId, token, log.state)
  }
  const entry = entryOf(message, offset, dedupe)
  transaction.tell((watcher) => watcher.privateAppended(tokenId, offset, entry))
  return { offset, duplicate: false, dropped, expiresAt: message.expiresAt }
}

/** @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, WEB_PUSH_FULL */
export function appendWebPush(transaction: Transaction, limits: StoreLimits, request: WebPushAppend): Appended {
  const { tokenId, generation, message } = request
  const token = honoured(transaction.token(tokenId), undefined, generation)
  const log = transaction.privateLog(tokenId, token)
  // What is acknowledged and not trimmed yet goes with this append.
  const isFull = log.state.webPush >= limits.webPushMessages && log.state.head > trimmable(token)
  const { collapseKey } = message
  if (isFull && (collapseKey === undefined || replaced(transaction, tokenId, token, log, collapseKey) === undefined))
    throw new PushError('WEB_PUSH_FULL')
  return append(transaction, limits, { tokenId, message, dedupe: false })
}

/** @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED */
export function receiver(
  transaction: Transaction,
  { tokenId, app, onlyCurrent }: Pick<PrivateAppend, 'tokenId' | 'app' | 'onlyCurrent'>,
): TokenState {
  const token = transaction.token(tokenId)
  if (token === undefined || (app !== undefined && app !== token.app)) throw new PushError('TOKEN_UNKNOWN')
  if (token.revoked) throw new PushError('TOKEN_REVOKED')
  if (onlyCurrent === true && !token.current) throw new PushError('TOKEN_SUPERSEDED')
  return token
}

/** Of what an earlier version of this program stored, the entry tells when it expires, as long as it is there. */
function duplicate({ offset, until, more }: RememberedId, log: Log): Appended {
  const expiresAt = more?.expiresAt ?? log.headAt(offset)?.expiresAt ?? until
  return { offset, duplicate: true, dropped: 0, expiresAt }
}

function collapsePrivate(
  transaction: Transaction,
  tokenId: TokenId,
  token: TokenState,
  log: Log,
  collapseKey: string,
): void {
  const older = replaced(transaction, tokenId, token, log, collapseKey)
  if (older === undefined) return
  log.removeOne(older, 'replaced')
  transaction.tell((watcher) => watcher.privateRemoved?.(tokenId, older))
}

/** The offset of the one that a message with this key replaces. One that has expired is not pending, and stays to be acknowledged late. */
function replaced(
  transaction: Transaction,
  tokenId: TokenId,
  token: TokenState,
  log: Log,
  collapseKey: string,
): number | undefined {
  const bytes = transaction.get(privateCollapseKey(tokenId, collapseKey))
  if (bytes === undefined) return undefined
  const older = decodeNumber(bytes)
  const head = log.headAt(older)
  return head === undefined || head.expiresAt <= transaction.now || !isPending(token, older) ? undefined : older
}

/**
 * The retained broadcasts must be prepared when the message is retained.
 * @throws RETAINED_LIMIT, ID_REUSED
 */
export function appendBroadcast(transaction: Transaction, limits: StoreLimits, request: BroadcastAppend): Appended {
  const { app: name, selector, message, dedupe } = request
  const text = encodeSelector(selector)
  const idKey = dedupe ? messageIdKey(Kind.broadcastId, name, message.id) : undefined
  const first = idKey && duplicateOf(transaction, idKey, { ...request, selector: text })
  const app = transaction.app(name)
  const log = transaction.broadcastLog(name, app)
  if (first !== undefined) return duplicate(first, log)
  if (message.retain) checkRetainedLimit(transaction, limits, request)

  const { collapseKey } = message
  const keyOfCollapse = collapseKey === undefined ? undefined : broadcastCollapseKey(name, text, collapseKey)
  if (keyOfCollapse !== undefined) collapseBroadcast(transaction, name, log, keyOfCollapse)
  const room = { messages: limits.broadcastMessages, bytes: limits.broadcastBytes }
  const dropped = log.makeRoom(message.payload.byteLength, room)
  const { offset, bytes } = log.append(message, marksOf(message, dedupe), selector)
  if (idKey) {
    rememberId(transaction, idKey, offset, { ...request, selector: text }, limits.dedupeMs)
    transaction.put(broadcastCountKey(name, offset), encodeCounts(NOBODY))
  }
  if (keyOfCollapse !== undefined) transaction.put(keyOfCollapse, encodeNumber(offset))
  const droppedThrough = dropped > 0 ? log.lastDropped : app.droppedThrough
  transaction.setApp(name, { ...app, log: log.state, droppedThrough })
  if (message.retain) retainBroadcast(transaction, request, offset, bytes)
  const entry = { ...entryOf(message, offset, dedupe), selector }
  transaction.tell((watcher) => watcher.broadcastAppended(name, offset, entry))
  return { offset, duplicate: false, dropped, expiresAt: message.expiresAt }
}

function collapseBroadcast(transaction: Transaction, app: string, log: Log, key: Buffer): void {
  const bytes = transaction.get(key)
  if (bytes === undefined) return
  const older = decodeNumber(bytes)
  const head = log.headAt(older)
  if (head === undefined || head.expiresAt <= transaction.now) return
  log.removeOne(older, 'replaced')
  transaction.tell((watcher) => watcher.broadcastRemoved?.(app, older))
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
  // Where another call of the group has changed it, `token` is the draft itself.
  const goes = after.private > before.private || after.marks?.skippedPrivate !== before.marks?.skippedPrivate
  const log = goes ? transaction.privateLog(tokenId, token) : undefined
  const draft = transaction.draft(tokenId, token)
  draft.cursor = after.private
  draft.broadcastCursor = after.broadcast
  draft.marks = after.marks
  if (log !== undefined) trim(log, before, draft, commit)
  if (draft.missed !== undefined && draft.cursor > draft.missed.through) draft.missed = undefined
  if (commit.epoch !== undefined || token.session?.held !== true) return
  transaction.tell((watcher) => watcher.cursorMoved(tokenId, after))
}

/** Everything up to the cursor goes but what is skipped, and so does what was skipped and is no longer. */
function trim(log: Log, before: Cursors, after: Mutable<TokenState>, commit: Commit): void {
  const were = before.marks?.skippedPrivate ?? []
  const are = after.marks?.skippedPrivate ?? []
  const { passedAs, skipped, taken } = commit
  const through = trimmable(after)
  // Before what is left goes as acknowledged.
  if (passedAs !== undefined) {
    for (const [offset, as] of passedAs) {
      const goes = offset > before.private ? offset <= after.cursor : were.includes(offset)
      if (goes && !are.includes(offset)) log.removeOne(offset, as)
    }
  }
  if (were.length > 0 || skipped !== undefined)
    dropSkipped(log, before, after, [...were, ...(skipped?.private ?? [])], taken?.private ?? [])
  const looksFrom = log.tellsOfAcknowledged ? 0 : through
  for (const offset of were) if (offset > looksFrom && !are.includes(offset)) log.removeOne(offset)
  for (let offset = Math.max(before.private + 1, looksFrom + 1, log.state.head); offset <= after.cursor; offset += 1)
    if (!are.includes(offset)) log.removeOne(offset)
  log.trim(through)
  after.log = log.state
}

/** Too many were skipped: the oldest was neither acknowledged nor is it pending. */
function dropSkipped(
  log: Log,
  before: Cursors,
  after: Mutable<TokenState>,
  all: readonly number[],
  taken: readonly number[],
): void {
  const were = before.marks?.skippedPrivate ?? []
  const are = after.marks?.skippedPrivate ?? []
  for (const offset of all) {
    const isPassed = offset <= before.private ? were.includes(offset) : offset <= after.cursor
    if (!isPassed || are.includes(offset) || taken.includes(offset) || !log.dropOne(offset)) continue
    after.missed = withMissed(after, 1, offset)
  }
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
