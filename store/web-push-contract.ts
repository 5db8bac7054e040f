/**
 * Messages of private logs that came through a Web Push endpoint. Whoever has its address sends them, so they have places of
 * their own: they are not counted among the messages and bytes that a log holds, and never make another message go. A log that is
 * full of others drops its oldest, be it one of these.
 */
import type { Appended, Message, TokenId } from './entries.ts'

export interface WebPushAppend {
  readonly tokenId: TokenId
  /** The endpoint was made for a JWT of this generation, and ends with it. */
  readonly generation: number
  /** With `webPush`. */
  readonly message: Message
}

export interface WebPushStore {
  /**
   * As `append`, without remembering the id, and in one step with these two: the generation is honoured, and at most
   * `limits.webPushMessages` of these are in the log. One that replaces another (`collapseKey`) needs no place of its own. What
   * has expired takes its place until it is swept.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED, WEB_PUSH_FULL, STORE_UNAVAILABLE
   */
  appendWebPush(append: WebPushAppend): Promise<Appended>
}
