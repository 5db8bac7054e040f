/**
 * Messages in private logs that came through a Web Push endpoint. Anybody who has the URL can send them, so they have
 * their own places: they do not count among the messages and bytes of the log, and never push out another message. A
 * log that is full of other messages drops its oldest, which may be one of these.
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
   * As `append`, without remembering the id. The same step checks that the generation is valid, and that the log has at
   * most `limits.webPushMessages` of these. A message that replaces another (`collapseKey`) needs no extra place. An
   * expired one keeps its place until it is swept.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED, WEB_PUSH_FULL,
   * STORE_UNAVAILABLE
   */
  appendWebPush(append: WebPushAppend): Promise<Appended>
}
