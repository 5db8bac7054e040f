/** What happened to a message, and taking it back. */
import type { BroadcastCounts, LogEntry, MessageStatus, RecalledMessage, TokenId } from '../contract.ts'
import { decodeCounts, NOBODY } from './broadcast-counts.ts'
import { type Database, orDamaged } from './database.ts'
import { decodeEntry, type EntryHead } from './entry.ts'
import {
  broadcastCountKey,
  broadcastLogPrefix,
  entryKey,
  Kind,
  messageIdKey,
  privateLogPrefix,
  retainedBroadcastKey,
  retainedPrivateKey,
} from './keys.ts'
import { type IdSource, knownId } from './message-ids.ts'
import { changeRetained } from './messages.ts'
import { type AppState, isPending, type LogState, type TokenState } from './records.ts'
import { seenBy } from './tokens.ts'
import type { Transaction } from './transaction.ts'

/** A transaction, or what is on disk. */
export interface MessageSource extends IdSource {
  entryHead(key: Buffer): EntryHead | undefined
  token(id: TokenId): TokenState | undefined
  app(name: string): AppState
}

/** One log, as a message is looked for in it. */
interface Place {
  readonly kind: typeof Kind.privateId | typeof Kind.broadcastId
  readonly name: string
  readonly prefix: Buffer
  readonly log: LogState
  readonly isPending: (offset: number) => boolean
}

/** Where an id that is not remembered is pending, as far as it was looked for. */
interface Searched {
  readonly at: number | undefined
  readonly through: number
}

interface Found extends MessageStatus {
  readonly offset: number
  /** Of a private log, where it has ended: whether somebody may have seen it before. Absent: it may be there. */
  readonly isSeen?: boolean
}

/** Entries, and bytes, that a search fetches at a time. */
const CHUNK = { count: 256, bytes: 256 * 1024 }

export function placeOf(source: MessageSource, tokenId: TokenId): Place | undefined {
  const token = source.token(tokenId)
  if (token === undefined) return undefined
  const pending = (offset: number): boolean => isPending(token, offset)
  const prefix = privateLogPrefix(tokenId)
  return { kind: Kind.privateId, name: tokenId, prefix, log: token.log, isPending: pending }
}

export function broadcastPlaceOf(source: MessageSource, app: string): Place {
  const { log } = source.app(app)
  return { kind: Kind.broadcastId, name: app, prefix: broadcastLogPrefix(app), log, isPending: () => true }
}

/** Searches what is on disk. If the id is remembered, no search is needed. */
export async function search(
  database: Database,
  source: MessageSource,
  place: Place | undefined,
  id: string,
): Promise<Searched | undefined> {
  if (place === undefined || knownId(source, messageIdKey(place.kind, place.name, id)) !== undefined) return undefined
  const { prefix, log } = place
  let at: number | undefined
  if (log.count > 0) {
    const range = { gte: entryKey(prefix, log.head), lt: entryKey(prefix, log.last + 1) }
    await database.scan(range, CHUNK, (bytes) => {
      const entry = orDamaged(() => decodeEntry(bytes))
      if (isIt(source, place, entry, id)) at = entry.offset
      return at === undefined
    })
  }
  return { at, through: log.last }
}

function isIt({ now }: MessageSource, place: Place, entry: LogEntry, id: string): boolean {
  return entry.id === id && entry.expiresAt > now && place.isPending(entry.offset)
}

/** The same with what was appended since, in the same group. */
function foundAt(source: MessageSource, place: Place, id: string, searched: Searched | undefined): number | undefined {
  if (searched === undefined || searched.at !== undefined) return searched?.at
  const { log, prefix } = place
  for (let offset = Math.max(searched.through + 1, log.head); offset <= log.last; offset += 1) {
    const bytes = source.get(entryKey(prefix, offset))
    if (bytes !== undefined && isIt(source, place, decodeEntry(bytes), id)) return offset
  }
  return undefined
}

export function find(
  source: MessageSource,
  place: Place,
  id: string,
  searched: Searched | undefined,
): Found | undefined {
  const known = knownId(source, messageIdKey(place.kind, place.name, id))
  const offset = known?.offset ?? foundAt(source, place, id, searched)
  if (offset === undefined) return undefined
  const bytes =
    offset >= place.log.head && place.isPending(offset) ? source.get(entryKey(place.prefix, offset)) : undefined
  if (bytes !== undefined) {
    const { storedAt, expiresAt } = orDamaged(() => decodeEntry(bytes))
    const isOver = expiresAt <= source.now
    if (known === undefined && isOver) return undefined
    return { offset, state: isOver ? 'expired' : 'pending', storedAt, expiresAt }
  }
  // Of what an earlier version of this program stored, nobody noted what happened to it.
  if (known?.more === undefined) return undefined
  const { end = 'acknowledged', storedAt, expiresAt, isUnseen } = known.more
  return { offset, state: end, storedAt, expiresAt, isSeen: !isUnseen }
}

export function statusOf({ state, storedAt, expiresAt }: Found): MessageStatus {
  return { state, storedAt, expiresAt }
}

export function countsAt(source: IdSource, app: string, offset: number): BroadcastCounts {
  const bytes = source.get(broadcastCountKey(app, offset))
  return bytes === undefined ? NOBODY : decodeCounts(bytes)
}

export function recall(
  transaction: Transaction,
  tokenId: TokenId,
  id: string,
  searched: Searched | undefined,
): RecalledMessage | undefined {
  const token = transaction.token(tokenId)
  const place = placeOf(transaction, tokenId)
  if (token === undefined || place === undefined) return undefined
  const key = retainedPrivateKey(tokenId)
  const bytes = token.retainedUntil > 0 ? transaction.get(key) : undefined
  const retained = bytes && decodeEntry(bytes)
  const found =
    find(transaction, place, id, searched) ?? ofEarlierVersion(transaction, place, id, retained, 'acknowledged')
  if (found === undefined) return undefined
  const { offset } = found
  const status = statusOf(found)
  const isPendingNow = status.state === 'pending'
  const isRetained = retained?.offset === offset
  if (isPendingNow || isRetained) {
    const log = transaction.privateLog(tokenId, token)
    const draft = transaction.draft(tokenId, token)
    if (isPendingNow) {
      log.removeOne(offset, 'recalled')
      draft.log = log.state
      transaction.tell((watcher) => watcher.privateRemoved?.(tokenId, offset))
    }
    if (isRetained) {
      transaction.delete(key)
      draft.retainedUntil = 0
    }
  }
  const mayHaveBeenSeen = found.isSeen ?? offset <= seenBy(token)
  return { ...status, state: isPendingNow ? 'recalled' : status.state, mayHaveBeenSeen }
}

/** A message that is retained and has left its log, as most do, where nobody noted how. */
function ofEarlierVersion(
  source: IdSource,
  { kind, name }: Place,
  id: string,
  retained: LogEntry | undefined,
  state: Found['state'],
): Found | undefined {
  const known = knownId(source, messageIdKey(kind, name, id))
  if (retained === undefined || known?.offset !== retained.offset) return undefined
  const { offset, storedAt, expiresAt } = retained
  return { offset, state, storedAt, expiresAt, isSeen: true }
}

/** The retained broadcasts must be prepared. */
export function recallBroadcast(
  transaction: Transaction,
  name: string,
  id: string,
  searched: Searched | undefined,
): RecalledMessage | undefined {
  const place = broadcastPlaceOf(transaction, name)
  const found =
    find(transaction, place, id, searched) ??
    ofEarlierVersion(transaction, place, id, retainedWith(transaction, name, id), 'dropped')
  if (found === undefined) return undefined
  const { offset } = found
  const status = statusOf(found)
  const isPendingNow = status.state === 'pending'
  if (isPendingNow) {
    const app = transaction.app(name)
    const log = transaction.broadcastLog(name, app)
    log.removeOne(offset, 'recalled')
    transaction.setApp(name, { ...app, log: log.state })
    transaction.tell((watcher) => watcher.broadcastRemoved?.(name, offset))
  }
  const changes = transaction.retained(name).recall(offset)
  if (changes.size > 0) changeRetained(transaction, name, changes, undefined)
  return { ...status, state: isPendingNow ? 'recalled' : status.state, mayHaveBeenSeen: true }
}

function retainedWith(transaction: Transaction, app: string, id: string): LogEntry | undefined {
  for (const { text, until } of transaction.retained(app).rows) {
    const bytes = until > transaction.now ? transaction.get(retainedBroadcastKey(app, text)) : undefined
    const entry = bytes && decodeEntry(bytes)
    if (entry?.id === id) return entry
  }
  return undefined
}
