/**
 * Messages after they were stored: status, recall, collapse, receipts, and messages with `ttl: 0`. The guarantees of
 * `contract.ts`, which extends this, apply.
 *
 * A message in a private or broadcast log *ends* exactly once, in the step that removes its entry from the log: by
 * acknowledgement, or as one of `End`. Its end is remembered as long as its id (`dedupe`, see `PrivateAppend`); if the
 * id is not remembered, nothing is known after its end. The end of a message with a receipt also writes one event, in
 * the same step, to the part of the event log of its app that has its token id (`receiptOf`).
 */
import type { Message, TokenId } from './entries.ts'
import type { Selector } from '../topics/index.ts'

/**
 * `sent`: with QoS 0, without acknowledgement. `dropped`: the log was full. `replaced`: by a later message with the
 * same collapse key. `purged`: together with its token.
 */
export type End = 'sent' | 'expired' | 'dropped' | 'replaced' | 'recalled' | 'purged'

export type MessageState = 'pending' | 'acknowledged' | End

/** In the order of their stored codes, from 1; never reorder. 0 is pending or acknowledged. */
export const ENDS: readonly End[] = ['sent', 'expired', 'dropped', 'replaced', 'recalled', 'purged']

export interface MessageStatus {
  /**
   * `pending` while its entry is in the log and has not expired; `expired` after that, even if the entry is still
   * there: what was sent in time may still be acknowledged for `lateAckMs`, and is then `acknowledged`.
   */
  readonly state: MessageState
  readonly storedAt: number
  readonly expiresAt: number
}

export interface RecalledMessage extends MessageStatus {
  /** `recalled` if it was pending; otherwise its earlier end. */
  readonly state: MessageState
  /**
   * False only if it is certain that no connection or lookup has received it: since it was stored, the token id had no
   * session, and nobody has read that far in its log. Always true for a broadcast.
   */
  readonly mayHaveBeenSeen: boolean
}

/**
 * For a broadcast: how many devices acknowledged it, and how many it was sent to with QoS 0. Approximate: the counts of
 * a node may be lost with it.
 */
export interface BroadcastCounts {
  readonly acknowledged: number
  readonly sent: number
}

export interface BroadcastCount extends BroadcastCounts {
  readonly app: string
  readonly offset: number
}

/** Ended without an acknowledgement, by the session or lookup that passed it. */
export type PassedAs = Extract<End, 'sent' | 'expired'>

export interface FollowingStore {
  /** Undefined: neither remembered nor pending. If the id is not remembered, the pending messages are searched. */
  messageStatus(tokenId: TokenId, id: string): Promise<MessageStatus | undefined>
  broadcastStatus(app: string, id: string): Promise<(MessageStatus & BroadcastCounts) | undefined>
  /**
   * Removes a pending message from its log, and its retained copy even if it is no longer pending; readers that have it
   * in flight never send it again. Idempotent, one step. If the id is remembered, the cost does not depend on what is
   * pending. Undefined: neither remembered nor pending, nothing was done. Watchers hear `privateRemoved` if there is a
   * session or a follower.
   */
  recall(tokenId: TokenId, id: string): Promise<RecalledMessage | undefined>
  /**
   * The same for a broadcast: every node hears `broadcastRemoved`. A retained broadcast that it replaced does not come
   * back.
   */
  recallBroadcast(app: string, id: string): Promise<RecalledMessage | undefined>
  /** Adds to the counts of broadcasts whose ids are remembered; ignores others. Not idempotent; a crash may lose it. */
  countBroadcasts(counts: readonly BroadcastCount[]): Promise<void>

  /**
   * Not stored: whoever holds the session or follows the token id, on any node, hears it once, as `privateAppended`
   * with offset 0 and the entry, whatever its size. True: somebody was told.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED with `onlyCurrent` or a generation, STORE_UNAVAILABLE
   */
  tellPrivate(told: {
    readonly tokenId: TokenId
    readonly app?: string
    readonly message: Message
    readonly onlyCurrent?: boolean
    /** Refused where a JWT of it is not honoured (`TokenHolder`). */
    readonly generation?: number
  }): Promise<boolean>
  /** The same for a broadcast: every node hears `broadcastAppended` with offset 0 and the entry. @throws STORE_UNAVAILABLE */
  tellBroadcast(told: { readonly app: string; readonly selector: Selector; readonly message: Message }): Promise<void>
}

/** The name of the event of a receipt. */
export function receiptSubject(state: Exclude<MessageState, 'pending'>): string {
  return `message.${state}`
}

/**
 * The payload of the event of a receipt, as JSON. It is the same however often the end of the message is written, so
 * that a store that loses the latest data and writes the end again repeats the event under the same `eventId`.
 */
export function receiptPayload(tokenId: TokenId, offset: number): string {
  return `{"eventId":"${tokenId}.${offset}"}`
}
