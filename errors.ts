/**
 * Every error that a user of the server can see.
 *
 * A row has a stable code, the HTTP status (RFC 9457), the MQTT 5 reason code if the error can reach an MQTT client,
 * and one sentence that says what is wrong and what to do. A test compares `docs/errors.md` with this table.
 */
interface CatalogueRow {
  /** HTTP status of the problem+json answer. */
  readonly status: number
  /** MQTT 5 reason code (section 2.4), if the error can reach an MQTT client. */
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
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    title: 'The media type of the body is not supported; send `application/json`.',
  },
  CONTENT_ENCODING_UNSUPPORTED: { status: 415, title: 'Send the body uncompressed, or compressed with gzip.' },
  BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is larger than the server accepts; send fewer tokens or a smaller payload.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The request line and headers are larger than the server accepts; send fewer or shorter headers.',
  },
  REQUEST_TIMEOUT: { status: 408, title: 'The request did not arrive in time; send it again, without pauses.' },
  EXPECTATION_FAILED: {
    status: 417,
    title: 'The server supports only `Expect: 100-continue`; remove any other `Expect` header.',
  },
  HOST_FORBIDDEN: {
    status: 421,
    title: 'The server does not answer to this Host; if it should, add the name to `PUSH_ALLOWED_HOSTS`.',
  },
  ORIGIN_FORBIDDEN: {
    status: 403,
    title:
      'Pages of this origin may not use the server; if they should, add the origin to `PUSH_CORS_ORIGINS` or its host to `PUSH_ALLOWED_HOSTS`.',
  },
  SUBPROTOCOL_UNSUPPORTED: {
    status: 400,
    title: 'The WebSocket client did not offer a supported subprotocol; offer `mqtt`.',
  },
  NOT_FOUND: { status: 404, title: 'There is no such path; see `/openapi.json`.' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This path does not support this method; see `/openapi.json`.' },
  RATE_LIMITED: {
    status: 429,
    reason: 0x96,
    title: 'Too many requests; wait for the time in `Retry-After`, then try again.',
  },
  INTERNAL: {
    status: 500,
    reason: 0x80,
    title: 'The server failed; look up the request id in its log to find the cause.',
  },
  SHUTTING_DOWN: {
    status: 503,
    reason: 0x8b,
    title: 'The server is shutting down; connect to another node, or try again later.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    reason: 0x88,
    title: 'The store does not answer; try again after `Retry-After`, with the same message id.',
  },
  UPSTREAM_UNAVAILABLE: {
    status: 503,
    title:
      'The MQTT broker behind the bridge does not answer; try again after `Retry-After`, with the same message id.',
  },
  UPSTREAM_REFUSED: {
    status: 502,
    title: 'The MQTT broker behind the bridge refused the message; the log of that broker says why.',
  },
  UNSUPPORTED_BY_BRIDGE: {
    status: 501,
    title: 'A bridge to another MQTT broker does not support this; call an aedes-push server instead.',
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
  TOPIC_INVALID: {
    status: 400,
    reason: 0x90,
    title: 'The topic or filter is malformed, too long or not a push topic; compare it with docs/mqtt.md.',
  },
  MESSAGE_ID_INVALID: {
    status: 400,
    reason: 0x83,
    title: 'A message id must be 1 to 128 bytes without control characters.',
  },
  PAYLOAD_INVALID: {
    status: 400,
    reason: 0x99,
    title: 'Send either `payload` or `payloadBase64`, and valid base64 in the latter.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    reason: 0x95,
    title: 'The payload is larger than the server accepts; send a smaller one.',
  },
  TTL_INVALID: {
    status: 400,
    reason: 0x83,
    title: 'The time to live must be a whole number of seconds within the limits of the server.',
  },
  COLLAPSE_KEY_INVALID: { status: 400, reason: 0x83, title: 'A collapse key must be 1 to 64 bytes of UTF-8.' },
  ID_REUSED: {
    status: 422,
    reason: 0x83,
    title: 'Another message with different content or options already has this id; give each message its own id.',
  },
  RECEIPT_FORBIDDEN: {
    status: 400,
    reason: 0x83,
    title: 'A broadcast cannot have a receipt; read its status to see how many devices acknowledged it.',
  },
  MESSAGE_UNKNOWN: {
    status: 404,
    title: 'No message with this id is known: it never arrived, or it ended and its id has been forgotten.',
  },
  NOW_OR_NEVER: {
    status: 400,
    reason: 0x83,
    title:
      'A message with `ttl` 0 is not stored, so it cannot have `retain`, `receipt` or `collapseKey`; leave them out, or set a longer `ttl`.',
  },
  MESSAGE_GONE: {
    status: 410,
    title: 'The message is no longer pending: it was delivered, replaced or recalled, or it expired.',
  },
  WEB_PUSH_FULL: {
    status: 429,
    title: 'Too many Web Push messages are pending for this device; send again later, or replace one with its `Topic`.',
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
    title: 'Too many messages from this device are unread; publish again when its providers have read some.',
  },
  CONSUMER_UNKNOWN: {
    status: 404,
    title: 'There is no such consumer of events, or it was idle for too long; read events to create it again.',
  },
  CURSOR_INVALID: { status: 400, title: 'The cursor was not issued to this caller; start again without it.' },

  // Who
  CREDENTIALS_MISSING: {
    status: 401,
    reason: 0x86,
    title: 'The request has no credentials; send `Authorization: Bearer` with a provider key or a message token.',
  },
  SESSION_ENDED: {
    status: 401,
    title: 'The console session has ended; sign in again.',
  },
  CREDENTIALS_INVALID: { status: 401, reason: 0x86, title: 'The provider key or password is wrong; check it.' },
  USER_REFUSED: {
    status: 403,
    reason: 0x87,
    title: 'The username or password is wrong, or this user may not connect.',
  },
  USER_UNCHECKED: { status: 503, reason: 0x88, title: 'The server cannot check the user right now; try again later.' },
  TOKEN_INVALID: {
    status: 401,
    reason: 0x86,
    title: 'This server did not issue the message token, or the token was changed; ask the provider for a new one.',
  },
  TOKEN_EXPIRED: { status: 401, reason: 0x87, title: 'The message token has expired; ask the provider for a new one.' },
  TOKEN_NOT_YET_VALID: {
    status: 401,
    reason: 0x88,
    title:
      'The message token is not valid yet by the clock of this server; keep it, and try again after `Retry-After`.',
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
    title:
      'This server did not issue the ticket, or the ticket has expired; request a new one with `POST /v1/messages/stream`.',
  },
  ISSUER_UNAVAILABLE: {
    status: 503,
    title: 'The server cannot fetch the keys of the identity provider right now; try again after `Retry-After`.',
  },
  TOKEN_NOT_RENEWABLE: {
    status: 403,
    title: 'The device can no longer renew this token; ask the provider for a new one, or prove the account again.',
  },
  DEVICE_HELD: {
    status: 409,
    title: 'Another account is logged in to this app on this device; log it out, or send its token as `holderToken`.',
  },
  CODE_INVALID: { status: 401, title: 'The enrolment code is wrong, already used or expired; ask for a new one.' },
  ACCOUNT_FORBIDDEN: { status: 403, title: 'The credential belongs to another account than the one in the request.' },
  CODE_UNKNOWN: { status: 404, title: 'There is no such enrolment code; it may have been used or have expired.' },
  ACCOUNT_FULL: { status: 409, title: 'The account has the maximum number of devices; revoke one.' },
  ACCOUNT_UNKNOWN: { status: 404, title: 'No device is logged in to this app with this account.' },
  KEY_UNKNOWN: { status: 404, title: 'There is no such key.' },
  KEY_REVOKED: {
    status: 403,
    reason: 0x87,
    title: 'The provider key was deleted, replaced or restricted, or it has expired; connect again with a valid key.',
  },
  NAME_TAKEN: { status: 409, title: 'A provider with more rights already has this name; choose another one.' },
  REVOCATIONS_LIMIT: {
    status: 409,
    title:
      'The app has the maximum number of revoked accounts; revoke the token ids of the account one by one, or revoke the whole app.',
  },
  KEYS_LIMIT: { status: 409, title: 'The server has the maximum number of provider keys; delete one.' },
  WEBHOOK_UNKNOWN: { status: 404, title: 'There is no such webhook.' },
  WEBHOOK_URL_INVALID: {
    status: 400,
    title:
      'The URL of a webhook must start with `https://` and lead to a public address; see `detail` for what is wrong.',
  },
  WEBHOOKS_LIMIT: { status: 409, title: 'The maximum number of webhooks is reached; delete one.' },
  SIGNING_KEY_IN_USE: {
    status: 409,
    title:
      'This key signs, and no other key of its algorithm is ready to replace it; rotate first, and wait until the new key signs.',
  },
  SIGNING_KEYS_LIMIT: { status: 409, title: 'The server has the maximum number of signing keys; retire one.' },
  KEYS_FROM_FILE: { status: 409, title: 'The signing keys come from `PUSH_KEYS_FILE`; change that file instead.' },
  SCOPE_MISSING: {
    status: 403,
    reason: 0x87,
    title: 'The provider key lacks the scope for this; use a key that has it.',
  },
  QUOTA_EXCEEDED: {
    status: 429,
    reason: 0x97,
    title: 'The quota of the provider key is used up; wait for the time in `Retry-After`.',
  },
  TOKEN_UNKNOWN: { status: 404, reason: 0x87, title: 'No token with this id was issued; check the token id.' },
  WEB_PUSH_ENCODING: {
    status: 415,
    title: 'Encrypt the body for the device (RFC 8291), and send it with `Content-Encoding: aes128gcm`.',
  },
  WEB_PUSH_OFF: { status: 501, title: 'Web Push is off on this server; set `PUSH_PUBLIC_URL` to turn it on.' },
  ENDPOINT_UNKNOWN: {
    status: 404,
    title: 'There is no such Web Push endpoint; use the URL exactly as the device received it.',
  },
  ENDPOINT_GONE: {
    status: 410,
    title: 'The Web Push endpoint ended with its message token; delete it, and wait for the app to send a new one.',
  },
  VAPID_KEY_INVALID: {
    status: 400,
    title: 'A VAPID key must be a public key on the curve P-256: 65 bytes, uncompressed, as base64url.',
  },
  VAPID_MISSING: {
    status: 401,
    title: 'The endpoint accepts one application server only; sign with its key: `Authorization: vapid t=..., k=...`.',
  },
  VAPID_INVALID: {
    status: 403,
    title:
      'The VAPID token is wrong, expired, issued for another server, or not signed with the key of the endpoint; see `detail`.',
  },
  NOT_A_PROVIDER: { status: 403, reason: 0x87, title: 'This needs a provider key, not a message token.' },
  NOT_A_DEVICE: { status: 403, reason: 0x87, title: 'This needs a message token, not a provider key.' },
  APP_FORBIDDEN: {
    status: 403,
    reason: 0x87,
    title: 'This provider may not act for this app; use a key that covers it.',
  },
  TOPIC_FORBIDDEN: {
    status: 403,
    reason: 0x87,
    title: 'This client may not use this topic; docs/mqtt.md lists the topics it may use.',
  },

  // Sessions and packets
  SESSION_TAKEN_OVER: {
    status: 409,
    reason: 0x8e,
    title: 'A newer connection took over this session; keep only one connection open.',
  },
  PACKET_MALFORMED: {
    status: 400,
    reason: 0x81,
    title: 'The packet is not well-formed MQTT; check the client library.',
  },
  PROTOCOL_ERROR: { status: 400, reason: 0x82, title: 'The packet breaks a rule of MQTT; check the client library.' },
  AUTHENTICATION_METHOD_UNSUPPORTED: {
    status: 400,
    reason: 0x8c,
    title: 'The server does not support enhanced authentication; connect without an Authentication Method.',
  },
  PROTOCOL_VERSION_UNSUPPORTED: {
    status: 400,
    reason: 0x84,
    title: 'The server does not support this version of MQTT; use 3.1, 3.1.1 or 5.',
  },
  CLIENT_ID_INVALID: {
    status: 400,
    reason: 0x85,
    title: 'The client id is empty, too long or reserved; connect with another one.',
  },
  RETAIN_UNSUPPORTED: {
    status: 400,
    reason: 0x9a,
    title: 'Retained messages are off on this server; publish without RETAIN.',
  },
  QOS_UNSUPPORTED: {
    status: 400,
    reason: 0x9b,
    title: 'The QoS is higher than this listener allows; publish with a lower one.',
  },
  CLIENT_ID_REFUSED: {
    status: 400,
    reason: 0x85,
    title: 'This listener does not accept this client id; connect with one that matches its rules.',
  },
  CONNECT_TIMEOUT: {
    status: 408,
    reason: 0x87,
    title: 'No CONNECT arrived in time; send it as soon as the connection is open.',
  },
  KEEP_ALIVE_TIMEOUT: {
    status: 408,
    reason: 0x8d,
    title: 'No packet arrived within one and a half times the keep alive; connect again, and send PINGREQ in time.',
  },
  KEEP_ALIVE_TOO_LONG: {
    status: 400,
    reason: 0x83,
    title: 'The keep alive is off, or longer than the server allows; connect with a shorter one.',
  },
  PACKET_TOO_LARGE: {
    status: 413,
    reason: 0x95,
    title: 'The packet is larger than the server accepts; send smaller packets.',
  },
  RECEIVE_MAXIMUM_EXCEEDED: {
    status: 429,
    reason: 0x93,
    title: 'The client has more unacknowledged messages in flight than the server allows; respect Receive Maximum.',
  },
  MAXIMUM_PACKET_SIZE_TOO_SMALL: {
    status: 400,
    reason: 0x95,
    title: 'A response exceeds the Maximum Packet Size of the client; connect with a larger one.',
  },
  TOPIC_ALIAS_INVALID: {
    status: 400,
    reason: 0x94,
    title: 'The topic alias is 0, unknown or above Topic Alias Maximum; use one that the server allows.',
  },
  SUBSCRIPTIONS_LIMIT: {
    status: 429,
    reason: 0x97,
    title: 'The session has the maximum number of subscriptions; unsubscribe from some.',
  },
  QUEUE_FULL: {
    status: 429,
    reason: 0x97,
    title: 'The queue of the client is full; acknowledge faster, or use a persistent session.',
  },
  SLOW_READER: { status: 429, reason: 0x97, title: 'The client reads too slowly; connect again, and read faster.' },
  CONNECTIONS_LIMIT: {
    status: 503,
    reason: 0x9f,
    title: 'The server has the maximum number of connections; try again later.',
  },
  CONNECT_RATE_EXCEEDED: {
    status: 429,
    reason: 0x9f,
    title: 'The client connects too often; wait longer before each attempt, up to a minute.',
  },
  PUBLISH_RATE_EXCEEDED: {
    status: 429,
    reason: 0x96,
    title: 'The client publishes too fast; connect again, and publish more slowly.',
  },
  IDLE_TIMEOUT: {
    status: 408,
    reason: 0x8d,
    title: 'The client has no keep alive and sent nothing for too long; connect with a keep alive.',
  },
  CLIENTS_LIMIT: {
    status: 503,
    reason: 0x89,
    title: 'The server has the maximum number of clients and kept sessions; try again later.',
  },
  ADDRESS_CONNECTIONS_LIMIT: {
    status: 429,
    reason: 0x9f,
    title: 'This address has the maximum number of connections; close some.',
  },
  TLS_HANDSHAKE_FAILED: {
    status: 400,
    title: 'The TLS handshake failed; see `detail`, and check that client and server share a TLS version.',
  },
  CLIENT_CERTIFICATE_REFUSED: {
    status: 401,
    title: 'The client has no valid certificate from a CA in `PUSH_TLS_CA`, `cafile` or `capath`; see `detail`.',
  },
  TLS_FILES_INVALID: {
    status: 500,
    title:
      'The server cannot use the new TLS files and keeps the previous ones; see `detail` for the setting to correct.',
  },
  PROXY_HEADER_INVALID: {
    status: 400,
    title: 'The connection does not start with a PROXY protocol header of the expected version; see `detail`.',
  },
  PROXY_CLIENT_INSECURE: {
    status: 403,
    title: 'The client reached the balancer without TLS, or without the certificate that this listener requires.',
  },
  PROXY_UNTRUSTED: {
    status: 403,
    title: 'The connection comes from an address that is not in `PUSH_PROXY_TRUSTED`; if it is your proxy, add it.',
  },
} as const satisfies Record<string, CatalogueRow>

export type ErrorCode = keyof typeof ERRORS

export interface PushErrorOptions extends ErrorOptions {
  readonly messageId?: string | undefined
  /** Seconds. */
  readonly retryAfter?: number | undefined
}

/** An error of the catalogue. `detail` describes this occurrence; it never holds a token, key or payload. */
export class PushError extends Error {
  override readonly name = 'PushError'
  readonly code: ErrorCode
  readonly detail: string | undefined
  /** Id of a message that not every receiver accepted: send it again under this id. */
  readonly messageId: string | undefined
  /** Seconds after which a retry may succeed; undefined if soon or unknown. */
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

  /** MQTT 5 reason code; 0x80 (unspecified error) if the catalogue has none. */
  get reason(): number {
    const row: CatalogueRow = ERRORS[this.code]
    return row.reason ?? 0x80
  }
}
