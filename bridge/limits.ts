/** What the HTTP side allows; the defaults are what `config.ts` starts from. */

export interface HttpLimits {
  /** Largest request body, bytes (default 1 MiB: the largest payload as base64, or 1,000 tokens, and room to spare). */
  readonly bodyBytes: number
  /** Largest request line with all headers, bytes (default 16 KiB). */
  readonly headerBytes: number
  /** Tokens one request may name (default 1,000). */
  readonly tokens: number
  /** Messages in one answer to a lookup, at most (default 100). */
  readonly lookupMessages: number
  /** Payload bytes read from each log for one answer to a lookup (default 1 MiB); one message always fits. */
  readonly lookupBytes: number
  /** Broadcast entries that one lookup goes through in search of the ones for its version (default 2,000). */
  readonly lookupScan: number
  /** Longest wait of a long poll, seconds; who asks for more waits so long (default 50: nginx gives up after 60). */
  readonly waitSeconds: number
  /** Long polls open at one time (default 10,000). */
  readonly waiting: number
  /** Long polls open at one time with one token; the oldest one is answered to make room (default 4). */
  readonly waitingPerToken: number
  /** A long poll reads again after this time without a wake, since a wake is only a hint (default 10 s). */
  readonly recheckMs: number
  /** Units of work a second of one principal, see `work.ts`; 0 is without limit (default 1,000,000). */
  readonly work: number
  /** Requests a minute from one address; 0 is without limit (default 0). */
  readonly requestsPerMinute: number
  /** How long a client may take to send the headers, and the whole request (default 30 s; at most a second more). */
  readonly requestTimeoutMs: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  tokens: 1_000,
  lookupMessages: 100,
  lookupBytes: 1024 * 1024,
  lookupScan: 2_000,
  waitSeconds: 50,
  waiting: 10_000,
  waitingPerToken: 4,
  recheckMs: 10_000,
  work: 1_000_000,
  requestsPerMinute: 0,
  requestTimeoutMs: 30_000,
}

/** Life of a message token, seconds. */
export interface TokenTtl {
  /** Where the request gives none (default 90 days). */
  readonly default: number
  /** Default 400 days. */
  readonly maximum: number
}

export const DEFAULT_TOKEN_TTL: TokenTtl = { default: 90 * 24 * 60 * 60, maximum: 400 * 24 * 60 * 60 }
