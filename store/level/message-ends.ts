/** What is done when a message of a private or broadcast log ends, in the step that takes it out. */
import { encodeSelector } from '../../topics/index.ts'
import { LONGEST_KEPT_MS, type LogEntry, receiptPayload, receiptSubject, type TokenId } from '../contract.ts'
import { COLLAPSE, decodeBroadcastEntry, decodeEntry, type EntryHead, FOLLOWED, RECEIPT } from './entry.ts'
import { broadcastCollapseKey, Kind, messageIdKey, parseEntryKey, privateCollapseKey } from './keys.ts'
import type { Ended } from './log.ts'
import { rememberEnd } from './message-ids.ts'
import { decodeNumber } from './named-records.ts'
import { seenBy } from './tokens.ts'
import type { Endings, Transaction } from './transaction.ts'
import { storeEvent, type UpstreamContext } from './upstream-log.ts'

export function endingsOf(context: UpstreamContext): (transaction: Transaction) => Endings {
  return (transaction) => ({
    private: {
      onlyMarked: true,
      lateMs: context.limits.lateAckMs,
      ended: (head, as, key) => endPrivate(transaction, context, head, as, key),
    },
    broadcast: { onlyMarked: true, ended: (head, as, key) => endBroadcast(transaction, head, as, key) },
  })
}

function endPrivate(
  transaction: Transaction,
  context: UpstreamContext,
  { marks }: EntryHead,
  as: Ended,
  key: Buffer,
): void {
  // That it is neither pending nor known as anything else says that it was acknowledged.
  if (as === 'acknowledged' && (marks & (RECEIPT | COLLAPSE)) === 0) return
  const bytes = transaction.get(key)
  if (bytes === undefined) return
  const { name: tokenId } = parseEntryKey(key)
  const entry = decodeEntry(bytes)
  const token = transaction.token(tokenId)
  if ((marks & FOLLOWED) !== 0 && as !== 'acknowledged') {
    const isUnseen = token !== undefined && as !== 'sent' && entry.offset > seenBy(token)
    rememberEnd(transaction, messageIdKey(Kind.privateId, tokenId, entry.id), entry.offset, { end: as, isUnseen })
  }
  if (entry.collapseKey !== undefined)
    forgetCollapse(transaction, privateCollapseKey(tokenId, entry.collapseKey), entry.offset)
  if ((marks & RECEIPT) !== 0 && token !== undefined)
    storeReceipt(transaction, context, { tokenId, app: token.app }, entry, as)
}

function endBroadcast(transaction: Transaction, { marks }: EntryHead, as: Ended, key: Buffer): void {
  const bytes = transaction.get(key)
  if (bytes === undefined) return
  const { name: app } = parseEntryKey(key)
  const { id, offset, collapseKey, selector } = decodeBroadcastEntry(bytes)
  if ((marks & FOLLOWED) !== 0)
    rememberEnd(transaction, messageIdKey(Kind.broadcastId, app, id), offset, { end: as, isUnseen: false })
  if (collapseKey === undefined) return
  forgetCollapse(transaction, broadcastCollapseKey(app, encodeSelector(selector), collapseKey), offset)
}

/** A later message has the key by now, where this one expired before. */
function forgetCollapse(transaction: Transaction, key: Buffer, offset: number): void {
  const bytes = transaction.get(key)
  if (bytes !== undefined && decodeNumber(bytes) === offset) transaction.delete(key)
}

function storeReceipt(
  transaction: Transaction,
  context: UpstreamContext,
  { tokenId, app }: { tokenId: TokenId; app: string },
  { id, offset }: LogEntry,
  as: Ended,
): void {
  const { now } = transaction
  const payload = Buffer.from(receiptPayload(tokenId, offset))
  const message = { id, payload, retain: false, storedAt: now, expiresAt: now + LONGEST_KEPT_MS }
  storeEvent(transaction, context, { app, tokenId, subject: receiptSubject(as), message })
}
