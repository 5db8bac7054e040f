/** The options and results of the client. */
import type { PushClientError } from './errors.ts'
import type { WebPushKeys } from './web-push.ts'

/** A message as it arrived. */
export interface Message {
  /** The id, set by its provider or the server. */
  readonly id: string
  /** `<app>/t/<token id>` for this device, `<app>/<version>` for a broadcast. */
  readonly topic: string
  /** The payload; for a Web Push message, decrypted. */
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

/** Context of a handler call. */
export interface HandlerContext {
  /** Aborted by `close()`: if the handler then throws, it gets the message again another time. */
  readonly signal: AbortSignal
  /** 1 for the first attempt. */
  readonly attempt: number
}

/**
 * Keys of handled messages; a `Set` is enough. Keys have about 70 characters; keep about 1,000 of the newest, in
 * storage that survives a page reload.
 */
export interface SeenMessages {
  has(key: string): boolean | Promise<boolean>
  add(key: string): unknown
}

/** `waiting`: for the next attempt. `closed`: for good. */
export type State = 'connecting' | 'listening' | 'waiting' | 'closed'

/** Request of a renewal. */
export interface RenewalRequest {
  /** Version of the app on this device; absent: as it is. */
  readonly version?: string
  /** Lifetime of the token, seconds. */
  readonly ttl?: number
  /** Requests a Web Push endpoint. */
  readonly webPush?: WebPushRequest
}

/** Request for the first token of a device. */
export interface TokenRequest extends RenewalRequest {
  readonly app: string
  /** Absent: the server generates an unguessable name; keep the one it returns. */
  readonly device?: string
  /** Absent: the account of the credential. */
  readonly account?: string
  /** The token of the account that was logged in before. */
  readonly holderToken?: string
}

export interface WebPushRequest {
  /** Only the holder of this key can send through the endpoint. */
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
  /** If Web Push was requested. */
  readonly endpoint?: string
}

export interface ListenOptions {
  /** URL of the server, such as `https://push.example.com`, optionally with a path. */
  readonly url: string
  /** The message token of this device. */
  readonly token: string
  /**
   * Handles a message. Messages arrive one at a time, and a message is acknowledged after its handler returns or its
   * promise is fulfilled. If it throws, it gets the same message again, with growing delays.
   */
  onMessage(message: Message, context: HandlerContext): unknown
  /**
   * Called when the server refuses the current token, or no longer renews it; `why.code` is the server's code. Return a
   * new token. If it throws, it is called again later. If it returns nothing and the token is refused, the client
   * closes with `why`.
   */
  getToken?(why: PushClientError): Promise<string | undefined> | string | undefined
  /** The client renewed its token: keep the answer for the next start. */
  onToken?(answer: TokenAnswer): unknown
  /** Request of a renewal. Include `webPush` to receive the endpoint. */
  readonly renewal?: RenewalRequest
  /** Messages were lost because too many were pending: the number of private ones, or `true` for broadcasts. */
  onMissed?(missed: number | true): unknown
  /**
   * Called for a message whose handler failed `attempts` times, or that could not be decrypted, so that you can store
   * it elsewhere. It is acknowledged afterwards. If this throws, the handler gets the message again.
   */
  onGiveUp?(message: Message, why: PushClientError): unknown
  /** An error that is retried: of the network, the server or a handler. For logging. */
  onError?(error: PushClientError): unknown
  onState?(state: State): unknown
  /** Attempts for one message, with pauses from 1 s to 60 s in between; default 10, about 5 minutes. */
  readonly attempts?: number
  /** Default: the last 1,000 of this client, in memory. */
  readonly seen?: SeenMessages
  /** Decrypts Web Push messages. */
  readonly webPushKeys?: WebPushKeys
  /** `auto`, the default, uses a stream, and polls if streams do not get through. */
  readonly transport?: 'auto' | 'stream' | 'poll'
  /** Seconds without a byte after which a stream counts as dead; default 60. */
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
  /** Fulfilled when the client was closed; rejected with the PushClientError that ended it. */
  readonly closed: Promise<void>
  /** Accepts nothing more, and waits for the running handler and its acknowledgement. */
  close(): Promise<void>
}
