/** Calls of the HTTP API. */
import { errorOf, parsed, problemError, retryAfterMs } from './errors.ts'
import { Deadline } from './pause.ts'

export interface Api {
  readonly url: string
  readonly fetch: typeof fetch
}

export interface Call {
  readonly method: 'GET' | 'POST'
  /** Below `/v1/`. */
  readonly path: string
  readonly token: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Sends the request even if the page is left. */
  readonly keepalive?: boolean
}

/** @param given a browser's wants no `this` */
export function apiOf(url: string, given = fetch): Api {
  return { url, fetch: (...request) => given(...request) }
}

/** Timeout of a call that does not wait. */
const CALL_MS = 30_000

/**
 * The head of a successful response.
 * @throws PushClientError, also at the deadline
 */
export async function open(api: Api, call: Call, deadline: Deadline): Promise<Response> {
  const { method, path, token, headers = {}, body, keepalive = false } = call
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const request = {
    method,
    headers: { authorization: `Bearer ${token}`, ...type, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: deadline.signal,
    keepalive,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
  } as const
  const response = await reached(deadline, api.fetch(`${api.url.replace(/\/+$/, '')}/v1/${path}`, request))
  if (response.ok) return response
  const retryAfter = retryAfterMs(response.headers.get('retry-after'), Date.now())
  throw problemError(await reached(deadline, response.text()), response.status, retryAfter)
}

/** The body of an answer, parsed. @throws PushClientError */
export async function ask(api: Api, call: Call, signal?: AbortSignal, ms = CALL_MS): Promise<unknown> {
  const deadline = new Deadline(ms, signal)
  try {
    const response = await open(api, call, deadline)
    if (response.status === 204) return undefined
    const text = await reached(deadline, response.text())
    const body = parsed(text)
    // Such as a captive portal that wants a person to log in.
    if (body === undefined) throw problemError(text, response.status)
    return body
  } finally {
    deadline.end()
  }
}

async function reached<T>(deadline: Deadline, work: Promise<T>): Promise<T> {
  try {
    return await deadline.race(work)
  } catch (cause) {
    throw errorOf(cause, 'UNREACHABLE', 'there was no answer, or it did not end')
  }
}
