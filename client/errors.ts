/** Errors: the server's, with its stable codes (docs/errors.md), and those of the client itself. */

interface ErrorFacts {
  readonly status?: number | undefined
  readonly detail?: unknown
  readonly requestId?: unknown
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

export class PushClientError extends Error {
  override readonly name = 'PushClientError'
  /**
   * A code of the server, or of the client: `UNREACHABLE` (no response), `HTTP_ERROR` (a response from something else
   * than the server), `STREAM_ENDED`, `HANDLER_FAILED`, `DECRYPTION_FAILED`, `CALLBACK_FAILED`.
   */
  readonly code: string
  /** Status of the answer. */
  declare readonly status: number | undefined
  /** For people. */
  declare readonly detail: string | undefined
  /** Request id in the log of the server. */
  declare readonly requestId: string | undefined
  /** Delay requested by the server. */
  declare readonly retryAfterMs: number | undefined

  constructor(code: string, title: string, { cause, ...facts }: ErrorFacts = {}) {
    super(`${code}: ${title}`, { cause })
    this.code = code
    Object.assign(this, facts)
  }
}

/** Converts anything thrown to an error of ours. */
export function errorOf(thrown: unknown, code = 'UNREACHABLE', title = 'the connection has failed'): PushClientError {
  return thrown instanceof PushClientError ? thrown : new PushClientError(code, title, { cause: thrown })
}

/** The token is refused or not renewed: only another token helps. */
export function needsToken({ code }: PushClientError): boolean {
  return /^(TOKEN_(EXPIRED|REVOKED|SUPERSEDED|UNKNOWN|INVALID|NOT_RENEWABLE)|CREDENTIALS_\w+|NOT_A_DEVICE)$/.test(code)
}

/** The next attempt may succeed. What does not come from the server, such as a proxy's answer, always may. */
export function isPassing({ code, status = 0 }: Pick<PushClientError, 'code' | 'status'>): boolean {
  return /^(4(?!08|29)|501)/.test(`${status}`) ? /^(TOKEN_NOT_YET_VALID|HTTP_ERROR)$/.test(code) : true
}

/** `Retry-After`, RFC 9110 section 10.2.3: seconds, or a date. */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return ms >= 0 ? ms : undefined
}

/** @param text what an answer, or the last event of a stream, says: a problem of RFC 9457, or anything else */
export function problemError(text: string, status?: number, retryAfter?: number): PushClientError {
  const { code, title, detail, requestId, status: stated }: Record<string, unknown> = Object(parsed(text))
  const facts = { status: status ?? Number(stated), detail, requestId, retryAfterMs: retryAfter }
  if (typeof code === 'string') return new PushClientError(code, String(title), facts)
  return new PushClientError('HTTP_ERROR', `something in front of the server answered ${status}`, facts)
}

/** Parses JSON; undefined if it is invalid. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
