/**
 * Every error that a user of the server can see, in one place.
 *
 * A row is a stable code, the HTTP status (RFC 9457), the MQTT 5 reason code where the error can reach an
 * MQTT client, and one sentence that tells the reader what to do. `docs/errors.md` is checked against it.
 */
interface CatalogueRow {
  /** HTTP status of the problem+json answer. */
  readonly status: number
  /** MQTT 5 reason code (section 2.4), where the error reaches an MQTT client. */
  readonly reason?: number
  /** What is wrong and what to do, one sentence. */
  readonly title: string
}

export const ERRORS = {
  // Requests
  REQUEST_INVALID: {
    status: 400,
    reason: 0x83,
    title: 'The request does not have the documented shape; see `detail` for the field.',
  },
  JSON_INVALID: { status: 400, title: 'The body is not JSON; send one JSON object.' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'Send the body as `application/json`.' },
  CONTENT_ENCODING_UNSUPPORTED: { status: 415, title: 'Send the body as it is, or compressed with gzip.' },
  BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is larger than the server accepts; send fewer tokens or a smaller payload.',
  },
  HEADERS_TOO_LARGE: { status: 431, title: 'The request line and headers are larger than the server accepts.' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request did not arrive in time; send it again, faster.' },
  EXPECTATION_FAILED: { status: 417, title: 'The server supports only `Expect: 100-continue`; leave out any other.' },
  HOST_FORBIDDEN: {
    status: 421,
    title: 'The server does not answer to this Host; add it to `PUSH_ALLOWED_HOSTS` if it should.',
  },
  ORIGIN_FORBIDDEN: {
    status: 403,
    title:
      'Pages of this origin may not use the server; add it to `PUSH_CORS_ORIGINS`, or its host to `PUSH_ALLOWED_HOSTS`, if they should.',
  },
  SUBPROTOCOL_UNSUPPORTED: { status: 400, title: 'Offer the WebSocket subprotocol `mqtt`.' },
  NOT_FOUND: { status: 404, title: 'There is no such path; see `/openapi.json`.' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This path does not support this method; see `/openapi.json`.' },
  RATE_LIMITED: { status: 429, reason: 0x96, title: 'Too many requests; wait for the time in `Retry-After`.' },
  INTERNAL: { status: 500, reason: 0x80, title: 'The server failed; its log has the cause under the request id.' },
  SHUTTING_DOWN: { status: 503, reason: 0x8b, title: 'The server is shutting down; try another node or try again.' },
  STORE_UNAVAILABLE: {
    status: 503,
    reason: 0x88,
    title: 'The store does not answer; try again after `Retry-After`, with the same id.',
  },
  UPSTREAM_UNAVAILABLE: {
    status: 503,
    title: 'The MQTT broker behind the bridge does not answer; try again after `Retry-After`, with the same id.',
  },
  UPSTREAM_REFUSED: { status: 502, title: 'The MQTT broker behind the bridge refused the message; its log says why.' },
  UNSUPPORTED_BY_BRIDGE: {
    status: 501,
    title: 'A bridge in front of another broker cannot do this; call the server itself.',
  },

  // Names and messages
  NAME_INVALID: {
    status: 400,
    reason: 0x90,
    title: 'A name must be 1 to 128 bytes without control characters, `/`, `+`, `#` or a `$` at the start.',
  },
  VERSION_INVALID: {
    status: 400,
    reason: 0x90,
    title: 'A version must be 1 to 128 bytes without control characters or a `$` at the start.',
  },
  VERSION_RANGE_INVALID: {
    status: 400,
    reason: 0x90,
    title: 'Send a semver range such as `>=2.1 <3` or `*`, with at most 256 characters and 16 alternatives.',
  },
  TAGS_INVALID: {
    status: 400,
    reason: 0x90,
    title:
      'A tag must be 1 to 64 bytes without control characters; send at most 16 in a list, as `any`, `all` or `none`.',
  },
  TOPIC_INVALID: { status: 400, reason: 0x90, title: 'The topic is neither a private nor a broadcast topic.' },
  MESSAGE_ID_INVALID: {
    status: 400,
    reason: 0x83,
    title: 'A message id must be 1 to 128 bytes without control characters.',
  },
  PAYLOAD_INVALID: {
    status: 400,
    reason: 0x99,
    title: 'Send exactly one of `payload` and `payloadBase64`, the latter as base64.',
  },
  PAYLOAD_TOO_LARGE: { status: 413, reason: 0x95, title: 'The payload is larger than the server accepts.' },
  TTL_INVALID: {
    status: 400,
    reason: 0x83,
    title: 'The time to live must be a whole number of seconds within the limits of the server.',
  },
  COLLAPSE_KEY_INVALID: { status: 400, reason: 0x83, title: 'A collapse key is 1 to 64 bytes of UTF-8.' },
  ID_REUSED: {
    status: 422,
    reason: 0x83,
    title: 'Another message has this id here, with other content or options; give each message an id of its own.',
  },
  RECEIPT_FORBIDDEN: {
    status: 400,
    reason: 0x83,
    title: 'A broadcast has no receipt; its status tells how many acknowledged it.',
  },
  MESSAGE_UNKNOWN: {
    status: 404,
    title: 'No message with this id is known here: it never came, or it ended and its id is not remembered any more.',
  },
  NOW_OR_NEVER: {
    status: 400,
    reason: 0x83,
    title:
      'A message with `ttl` 0 is not stored: it has no `retain`, `receipt` or `collapseKey`; leave them out or give it a time.',
  },
  MESSAGE_GONE: {
    status: 410,
    title: 'The message is not pending any more: it was delivered, replaced or recalled, or has expired.',
  },
  WEB_PUSH_FULL: {
    status: 429,
    title:
      'As many Web Push messages wait for this device as the server keeps; send again later, or replace one with its `Topic`.',
  },
  TOO_MANY_TOKENS: { status: 400, title: 'One request may name at most 1,000 tokens; split it.' },
  RETAINED_LIMIT: {
    status: 409,
    reason: 0x97,
    title: 'The app has too many different retained broadcasts; clear some with an empty payload.',
  },
  UPSTREAM_SHARE: {
    status: 429,
    reason: 0x97,
    title: 'Too much of what this device published is unread; publish again when its providers have read some.',
  },
  CONSUMER_UNKNOWN: {
    status: 404,
    title: 'There is no such consumer of events, or it asked nothing for too long; read events, which makes it again.',
  },
  CURSOR_INVALID: { status: 400, title: 'The cursor is none that this caller was given; begin without it.' },

  // Who
  CREDENTIALS_MISSING: {
    status: 401,
    reason: 0x86,
    title: 'Send `Authorization: Bearer` with a provider key or a message token.',
  },
  SESSION_ENDED: {
    status: 401,
    title: 'The session of the console is over, by time or with its key; sign in again.',
  },
  CREDENTIALS_INVALID: { status: 401, reason: 0x86, title: 'The provider key or password is wrong.' },
  USER_REFUSED: {
    status: 403,
    reason: 0x87,
    title: 'The user name or password is wrong, or this user may not connect.',
  },
  USER_UNCHECKED: { status: 503, reason: 0x88, title: 'The user cannot be checked now; try again later.' },
  TOKEN_INVALID: {
    status: 401,
    reason: 0x86,
    title: 'The message token was not issued here or was changed; ask the provider for a new one.',
  },
  TOKEN_EXPIRED: { status: 401, reason: 0x87, title: 'The message token has expired; ask the provider for a new one.' },
  TOKEN_NOT_YET_VALID: {
    status: 401,
    reason: 0x88,
    title: 'The message token is not valid yet by the clock of this server; keep it and try again after `Retry-After`.',
  },
  TOKEN_REVOKED: {
    status: 403,
    reason: 0x87,
    title: 'The message token was revoked, or another account has logged in since; ask the provider for a new one.',
  },
  TOKEN_SUPERSEDED: {
    status: 403,
    reason: 0x87,
    title: 'Another account is logged in to this app on this device; its token is the valid one.',
  },
  TICKET_INVALID: {
    status: 401,
    title: 'The ticket is none of this server, or has ended; ask for another one with `POST /v1/messages/stream`.',
  },
  ISSUER_UNAVAILABLE: {
    status: 503,
    title: 'The identity provider of the token cannot be asked for its keys now; try again after `Retry-After`.',
  },
  TOKEN_NOT_RENEWABLE: {
    status: 403,
    title: 'The device cannot renew this token any more; ask the provider, or prove the account again.',
  },
  DEVICE_HELD: {
    status: 409,
    title: 'Another account is logged in to this app on this device; log it out, or send its token as `holderToken`.',
  },
  CODE_INVALID: { status: 401, title: 'The enrolment code is wrong, used or has expired; ask for a new one.' },
  ACCOUNT_FORBIDDEN: { status: 403, title: 'The credential is for another account than the request names.' },
  CODE_UNKNOWN: { status: 404, title: 'There is no such enrolment code.' },
  ACCOUNT_FULL: { status: 409, title: 'The account has as many devices as the server allows; revoke one.' },
  ACCOUNT_UNKNOWN: { status: 404, title: 'The account has no device that is logged in to this app.' },
  KEY_UNKNOWN: { status: 404, title: 'There is no such key.' },
  KEY_REVOKED: {
    status: 403,
    reason: 0x87,
    title:
      'The provider key was removed or replaced, has expired, or may do less now; connect again with one that holds.',
  },
  NAME_TAKEN: { status: 409, title: 'This is the name of a provider that may do more; choose another one.' },
  REVOCATIONS_LIMIT: {
    status: 409,
    title:
      'As many accounts of the app are revoked as the server allows; revoke the token ids of the account one by one, or the whole app.',
  },
  KEYS_LIMIT: { status: 409, title: 'There are as many provider keys as the server allows; delete one.' },
  WEBHOOK_UNKNOWN: { status: 404, title: 'There is no such webhook.' },
  WEBHOOK_URL_INVALID: {
    status: 400,
    title: 'A webhook leads to an `https://` URL at a public address; see `detail` for what is wrong.',
  },
  WEBHOOKS_LIMIT: { status: 409, title: 'There are as many webhooks as the server allows; delete one.' },
  SIGNING_KEY_IN_USE: {
    status: 409,
    title: 'This key signs, and no other one of its algorithm can yet; rotate first, and wait until the new one signs.',
  },
  SIGNING_KEYS_LIMIT: { status: 409, title: 'There are as many signing keys as the server allows; retire one.' },
  KEYS_FROM_FILE: { status: 409, title: 'The signing keys come from `PUSH_KEYS_FILE`; change that file.' },
  SCOPE_MISSING: { status: 403, reason: 0x87, title: 'The provider key does not have the scope that this needs.' },
  QUOTA_EXCEEDED: {
    status: 429,
    reason: 0x97,
    title: 'The quota of the provider key is used up; wait for the time in `Retry-After`.',
  },
  TOKEN_UNKNOWN: { status: 404, reason: 0x87, title: 'No such token id is registered.' },
  WEB_PUSH_ENCODING: {
    status: 415,
    title: 'Encrypt the body for the device as RFC 8291 says, and send it with `Content-Encoding: aes128gcm`.',
  },
  WEB_PUSH_OFF: { status: 501, title: 'The server gives out no Web Push endpoints; set `PUSH_PUBLIC_URL`.' },
  ENDPOINT_UNKNOWN: { status: 404, title: 'There is no such Web Push endpoint; take its address as it was answered.' },
  ENDPOINT_GONE: {
    status: 410,
    title: 'The Web Push endpoint has ended with its message token; forget it, and wait for a new one from the app.',
  },
  VAPID_KEY_INVALID: {
    status: 400,
    title: 'A VAPID key is a public key on the curve P-256: 65 bytes, uncompressed, as base64url.',
  },
  VAPID_MISSING: {
    status: 401,
    title: 'The endpoint is for one application server; sign with its key: `Authorization: vapid t=..., k=...`.',
  },
  VAPID_INVALID: {
    status: 403,
    title:
      'The VAPID token is wrong, has expired, is for another server, or is not signed with the key of the endpoint; see `detail`.',
  },
  NOT_A_PROVIDER: { status: 403, reason: 0x87, title: 'This needs a provider key.' },
  NOT_A_DEVICE: { status: 403, reason: 0x87, title: 'This needs a message token.' },
  APP_FORBIDDEN: { status: 403, reason: 0x87, title: 'This provider may not act for this app.' },
  TOPIC_FORBIDDEN: { status: 403, reason: 0x87, title: 'This principal may not use this topic.' },

  // Sessions and packets
  SESSION_TAKEN_OVER: {
    status: 409,
    reason: 0x8e,
    title: 'A newer connection has taken over this session; only the newest stays.',
  },
  PACKET_MALFORMED: { status: 400, reason: 0x81, title: 'The packet is not well-formed MQTT.' },
  PROTOCOL_ERROR: { status: 400, reason: 0x82, title: 'The packet breaks a rule of MQTT.' },
  AUTHENTICATION_METHOD_UNSUPPORTED: {
    status: 400,
    reason: 0x8c,
    title: 'The server offers no enhanced authentication; connect without an Authentication Method.',
  },
  PROTOCOL_VERSION_UNSUPPORTED: { status: 400, reason: 0x84, title: 'Use MQTT 3.1, 3.1.1 or 5.' },
  CLIENT_ID_INVALID: { status: 400, reason: 0x85, title: 'The client id is empty, too long or reserved.' },
  RETAIN_UNSUPPORTED: {
    status: 400,
    reason: 0x9a,
    title: 'The server retains no messages; publish without RETAIN.',
  },
  QOS_UNSUPPORTED: {
    status: 400,
    reason: 0x9b,
    title: 'The QoS is higher than this listener allows; publish with a lower one.',
  },
  CLIENT_ID_REFUSED: {
    status: 400,
    reason: 0x85,
    title: 'This listener takes no such client id; connect with another one, as its rules say.',
  },
  CONNECT_TIMEOUT: { status: 408, reason: 0x87, title: 'No CONNECT arrived in time.' },
  KEEP_ALIVE_TIMEOUT: {
    status: 408,
    reason: 0x8d,
    title: 'Nothing arrived within one and a half times the keep alive.',
  },
  KEEP_ALIVE_TOO_LONG: {
    status: 400,
    reason: 0x83,
    title: 'The keep alive is longer than the server allows, or off; connect with a shorter one.',
  },
  PACKET_TOO_LARGE: { status: 413, reason: 0x95, title: 'The packet is larger than the server accepts.' },
  RECEIVE_MAXIMUM_EXCEEDED: {
    status: 429,
    reason: 0x93,
    title: 'The client has more unacknowledged messages than the server allows.',
  },
  MAXIMUM_PACKET_SIZE_TOO_SMALL: {
    status: 400,
    reason: 0x95,
    title: 'An answer does not fit into the Maximum Packet Size of the client; announce a larger one.',
  },
  TOPIC_ALIAS_INVALID: {
    status: 400,
    reason: 0x94,
    title: 'The topic alias is 0, unknown or above the maximum of the server.',
  },
  SUBSCRIPTIONS_LIMIT: {
    status: 429,
    reason: 0x97,
    title: 'The session has as many subscriptions as the server allows.',
  },
  QUEUE_FULL: {
    status: 429,
    reason: 0x97,
    title: 'The queue of the client is full; acknowledge faster, or use a persistent session.',
  },
  SLOW_READER: { status: 429, reason: 0x97, title: 'The client reads too slowly.' },
  CONNECTIONS_LIMIT: {
    status: 503,
    reason: 0x9f,
    title: 'The server has as many connections as it allows; try again later.',
  },
  CONNECT_RATE_EXCEEDED: {
    status: 429,
    reason: 0x9f,
    title: 'The client connects too often; wait longer before each attempt, up to a minute.',
  },
  PUBLISH_RATE_EXCEEDED: {
    status: 429,
    reason: 0x96,
    title: 'The client publishes too fast; connect again and send more slowly.',
  },
  IDLE_TIMEOUT: {
    status: 408,
    reason: 0x8d,
    title: 'A client without keep alive sent nothing for too long; connect with a keep alive.',
  },
  CLIENTS_LIMIT: {
    status: 503,
    reason: 0x89,
    title: 'The server has as many clients, and sessions kept for clients, as it allows; try again later.',
  },
  ADDRESS_CONNECTIONS_LIMIT: {
    status: 429,
    reason: 0x9f,
    title: 'This address has as many connections as the server allows one address; close some.',
  },
  TLS_HANDSHAKE_FAILED: {
    status: 400,
    title: 'The TLS handshake failed; see `detail`, and check that client and server share a TLS version.',
  },
  CLIENT_CERTIFICATE_REFUSED: {
    status: 401,
    title:
      'The client has no certificate that is vouched for by `PUSH_TLS_CA`, or `cafile` and `capath`; see `detail`.',
  },
  TLS_FILES_INVALID: {
    status: 500,
    title: 'The new TLS files cannot be used, so the previous ones stay in use; see `detail` for the setting.',
  },
  PROXY_HEADER_INVALID: {
    status: 400,
    title: 'The connection does not begin with a PROXY protocol header of the version that is expected; see `detail`.',
  },
  PROXY_CLIENT_INSECURE: {
    status: 403,
    title: 'The client came to the balancer without TLS, or without a certificate, which this listener requires.',
  },
  PROXY_UNTRUSTED: {
    status: 403,
    title: 'The connection comes from an address that is not in `PUSH_PROXY_TRUSTED`.',
  },
} as const satisfies Record<string, CatalogueRow>

export type ErrorCode = keyof typeof ERRORS

export interface PushErrorOptions extends ErrorOptions {
  readonly messageId?: string | undefined
  /** Seconds. */
  readonly retryAfter?: number | undefined
}

/** An error of the catalogue. `detail` is for the reader of this one occurrence; it never holds a token, key or payload. */
export class PushError extends Error {
  override readonly name = 'PushError'
  readonly code: ErrorCode
  readonly detail: string | undefined
  /** Of a message that was not accepted for all: send it again under this id. */
  readonly messageId: string | undefined
  /** After so many seconds it may be different; undefined: soon, or nobody knows. */
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, detail?: string, options?: PushErrorOptions) {
    super(detail === undefined ? ERRORS[code].title : `${ERRORS[code].title} (${detail})`, options)
    this.code = code
    this.detail = detail
    this.messageId = options?.messageId
    this.retryAfter = options?.retryAfter
  }

  /** HTTP status of the problem+json answer. */
  get status(): number {
    return ERRORS[this.code].status
  }

  /** MQTT 5 reason code; 0x80 (unspecified error) where the catalogue names none. */
  get reason(): number {
    const row: CatalogueRow = ERRORS[this.code]
    return row.reason ?? 0x80
  }
}
