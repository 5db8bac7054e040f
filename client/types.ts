/** What the client takes, and what it gives. */
import type { PushClientError } from './errors.ts'
import type { WebPushKeys } from './web-push.ts'

/** A message as it arrived. */
export interface Message {
  /** As its provider, or the server, named it. */
  readonly id: string
  /** `<app>/t/<token id>` for this device, `<app>/<version>` for a broadcast. */
  readonly topic: string
  /** The payload; of a Web Push message what was decrypted. */
  readonly bytes: Uint8Array
  /** The payload as UTF-8. */
  readonly text: string
  /** The payload as JSON. @throws SyntaxError when it is none */
  json(): unknown
  /** When the server accepted it. */
  readonly storedAt: Date
  /** When the server no longer sends it. */
  readonly expiresAt: Date
  /** Content encoding of a Web Push message: what `bytes` are encrypted with. Absent where the client has decrypted them. */
  readonly contentEncoding: string | undefined
  /** Urgency of a Web Push message: `very-low`, `low`, `normal` or `high`, where its sender says so. */
  readonly urgency: string | undefined
}

/** What a handler is told beside the message. */
export interface HandlerContext {
  /** Aborted by `close()`: a handler that throws then has its message again another time. */
  readonly signal: AbortSignal
  /** 1 for the first attempt. */
  readonly attempt: number
}

/**
 * Messages that were handled. A `Set` is one. The keys are text of about 70 characters; keep the newest 1,000 or so, where
 * a page that was reloaded finds them again.
 */
export interface SeenMessages {
  has(key: string): boolean | Promise<boolean>
  add(key: string): unknown
}

/** `waiting`: for another attempt. `closed`: for good. */
export type State = 'connecting' | 'listening' | 'waiting' | 'closed'

/** What a renewal asks for. */
export interface RenewalRequest {
  /** Version of the app on this device; absent: as it is. */
  readonly version?: string
  /** Seconds until the token ends. */
  readonly ttl?: number
  /** Asks for a Web Push endpoint. */
  readonly webPush?: WebPushRequest
}

/** What a device asks its first token with. */
export interface TokenRequest extends RenewalRequest {
  readonly app: string
  /** Absent: the server makes one, that nobody can guess; keep what it answers. */
  readonly device?: string
  /** Absent: the one of the credential. */
  readonly account?: string
  /** The token of the account that was logged in before. */
  readonly holderToken?: string
}

export interface WebPushRequest {
  /** Only who holds this key sends through the endpoint. */
  readonly vapidKey?: string
}

/** The answer of `POST /v1/tokens`. Times are ISO 8601. */
export interface TokenAnswer {
  readonly token: string
  readonly tokenId: string
  readonly device: string
  readonly account: string
  readonly expiresAt: string
  readonly renewAfter: string
  readonly renewUntil: string
  readonly topics: { readonly private: string; readonly broadcast: string | null }
  /** Where Web Push was asked for. */
  readonly endpoint?: string
}

export interface ListenOptions {
  /** The server, such as `https://push.example.com`, also with a path. */
  readonly url: string
  /** The message token of this device. */
  readonly token: string
  /**
   * Handles a message. Messages come one after another, and a message is acknowledged when its handler has returned, or
   * its promise is fulfilled. When it throws, the same message comes again, later each time.
   */
  onMessage(message: Message, context: HandlerContext): unknown
  /**
   * Gives another token when the server refuses the one there is, or renews it no more; `why.code` is the server's. When
   * it throws it is asked again later. When it gives nothing, and the token is refused, the client closes with `why`.
   */
  getToken?(why: PushClientError): Promise<string | undefined> | string | undefined
  /** The client has renewed its token: keep the answer for the next start. */
  onToken?(answer: TokenAnswer): unknown
  /** What a renewal asks for. Name `webPush` here to be told the endpoint. */
  readonly renewal?: RenewalRequest
  /** Messages are gone because too many were pending: how many private ones, or `true` for broadcasts. */
  onMissed?(missed: number | true): unknown
  /**
   * A message whose handler has failed `attempts` times, or that could not be decrypted: the place to put it aside. It is
   * acknowledged afterwards. When this throws, the handler gets the message again.
   */
  onGiveUp?(message: Message, why: PushClientError): unknown
  /** What went wrong and is tried again: the network, the server, a handler. For a log. */
  onError?(error: PushClientError): unknown
  onState?(state: State): unknown
  /** Attempts at one message, with pauses from 1 s to 60 s between them; 10 when absent, which is some 5 minutes. */
  readonly attempts?: number
  /** Absent: the last 1,000 of this client, in memory. */
  readonly seen?: SeenMessages
  /** Decrypts Web Push messages. */
  readonly webPushKeys?: WebPushKeys
  /** `auto`, when absent, listens to a stream, and polls where streams do not get through. */
  readonly transport?: 'auto' | 'stream' | 'poll'
  /** A stream without a byte for so many seconds is taken for dead; 60 when absent. */
  readonly quietSeconds?: number
  /** Closes the client when it is aborted. */
  readonly signal?: AbortSignal
  /** Instead of the global one. */
  readonly fetch?: typeof fetch
}

export interface Listener {
  readonly state: State
  /** The token in use. */
  readonly token: string
  /** Fulfilled when the client was closed; rejected with what ended it, a PushClientError. */
  readonly closed: Promise<void>
  /** Takes nothing more, and waits for the handler that runs and for its acknowledgement. */
  close(): Promise<void>
}
