/**
 * What happens to a message after it was stored: status, recall, collapse, receipts, and messages that are for now or never.
 * It has the guarantees of `contract.ts`, which extends this.
 *
 * A message of a private or broadcast log *ends* once, in the same step in which its entry leaves the log: by
 * acknowledgement, or as one of `End`. What ended it is remembered as long as its id (`dedupe`, see `PrivateAppend`); of a
 * message whose id is not remembered, nothing is known after its end. A message that asked for a receipt ends together with
 * one event, in the same step, in the part of the event log of its app that has its token id (`receiptOf`).
 */
import type { Message, TokenId } from './entries.ts'
import type { Selector } from '../topics/index.ts'

/**
 * `sent`: with QoS 0, which nobody acknowledges. `dropped`: the log was full. `replaced`: by a later message with the same
 * collapse key. `purged`: with its token.
 */
export type End = 'sent' | 'expired' | 'dropped' | 'replaced' | 'recalled' | 'purged'

export type MessageState = 'pending' | 'acknowledged' | End

/** In the order of their codes in what is stored, from 1: never to be reordered. 0 is pending or acknowledged. */
export const ENDS: readonly End[] = ['sent', 'expired', 'dropped', 'replaced', 'recalled', 'purged']

export interface MessageStatus {
  /**
   * `pending` while its entry is in the log and has not expired; `expired` from its expiry on, also where the entry is still
   * there: what was sent before may be acknowledged for `lateAckMs`, and is `acknowledged` then.
   */
  readonly state: MessageState
  readonly storedAt: number
  readonly expiresAt: number
}

export interface RecalledMessage extends MessageStatus {
  /** `recalled` where it was pending; what it ended as before, otherwise. */
  readonly state: MessageState
  /**
   * False only where it is certain that no connection and no lookup has taken it: since it was stored the token id had no
   * session, and nobody has read so far in its log. For a broadcast always true.
   */
  readonly mayHaveBeenSeen: boolean
}

/** Of a broadcast: how many acknowledged it, and to how many it was sent with QoS 0. Approximate: what a node counted may be lost with it. */
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
  /** Undefined: neither remembered nor pending. An id that is not remembered is looked for in what is pending. */
  messageStatus(tokenId: TokenId, id: string): Promise<MessageStatus | undefined>
  broadcastStatus(app: string, id: string): Promise<(MessageStatus & BroadcastCounts) | undefined>
  /**
   * Takes a pending message out of its log, and out of what is retained also where it is not pending any more; readers that
   * have it under way never send it again. Idempotent, one step. Where the id is remembered, its cost does not grow with what
   * is pending. Undefined: neither remembered nor pending, and nothing is done. Watchers hear `privateRemoved` where a session
   * or a follower is.
   */
  recall(tokenId: TokenId, id: string): Promise<RecalledMessage | undefined>
  /** The same for a broadcast: every node hears `broadcastRemoved`. What it replaced among the retained does not come back. */
  recallBroadcast(app: string, id: string): Promise<RecalledMessage | undefined>
  /** Adds to what is known of broadcasts whose ids are remembered; others are passed over. Not idempotent. May be lost by a crash. */
  countBroadcasts(counts: readonly BroadcastCount[]): Promise<void>

  /**
   * Not stored: who holds the session or follows the token id, on whichever node, hears it once, as `privateAppended` with
   * offset 0 and the entry, whatever its size. True: somebody was told.
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
 * The payload of the event of a receipt, JSON. The same for the same message however often its end is written, so that a store
 * that loses the last of it and writes it again repeats the event under the same `eventId`.
 */
export function receiptPayload(tokenId: TokenId, offset: number): string {
  return `{"eventId":"${tokenId}.${offset}"}`
}
