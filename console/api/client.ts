/** Calls of the HTTP API, with the session's cookie. */

/** What the server answers when it refuses, RFC 9457; or that it did not answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: string
  /** Status of the answer; undefined if there was none. */
  readonly status: number | undefined
  readonly detail: string | undefined
  readonly requestId: string | undefined

  constructor({ code, status, title, detail, requestId }: Problem) {
    super(title)
    this.code = code
    this.status = status
    this.detail = detail
    this.requestId = requestId
  }
}

interface Problem {
  readonly code: string
  readonly status?: number | undefined
  readonly title: string
  readonly detail?: string | undefined
  readonly requestId?: string | undefined
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

const UNREACHABLE = { code: 'UNREACHABLE', title: 'The server cannot be reached.' }

/** Since the last call. The session ends when nobody does anything, whatever the page asks for by itself. */
let isUsed = true
for (const type of ['pointerdown', 'keydown', 'wheel', 'touchstart'])
  addEventListener(
    type,
    () => {
      isUsed = true
    },
    { passive: true, capture: true },
  )

type Listener = () => void
const ended = new Set<Listener>()

/** Hears that the session is over. Returns how to stop. */
export function onSessionEnd(listener: Listener): Listener {
  ended.add(listener)
  return () => void ended.delete(listener)
}

/** These say that the session, or its key, is no more. */
const OVER: ReadonlySet<string> = new Set(['SESSION_ENDED', 'CREDENTIALS_INVALID', 'CREDENTIALS_MISSING'])

/**
 * @param path below `/v1/`, its parts encoded
 * @throws ApiError, and the reason of an aborted signal
 */
export async function call<T = undefined>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const answer = await open(method, path, options)
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

/** The same, for an answer that goes on: its head. */
export async function open(method: string, path: string, options: CallOptions = {}): Promise<Response> {
  const answer = await send(method, path, options)
  if (answer.ok) return answer
  const problem = await problemOf(answer)
  throw path === 'session' ? new ApiError(problem) : refusal(problem)
}

/** The error of what the server says, which may end the session. */
export function refusal(problem: Problem): ApiError {
  if (OVER.has(problem.code)) for (const listener of ended) listener()
  return new ApiError(problem)
}

async function send(method: string, path: string, options: CallOptions): Promise<Response> {
  const { query = {}, body, signal } = options
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
  const headers = {
    ...options.headers,
    'x-push-console': isUsed ? 'active' : 'background',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  isUsed = false
  try {
    return await fetch(`../v1/${path}${search}`, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw new ApiError({ ...UNREACHABLE, detail: error instanceof Error ? error.message : undefined })
  }
}

async function problemOf(answer: Response): Promise<Problem> {
  try {
    const problem: Problem = await answer.json()
    if (typeof problem.code === 'string' && typeof problem.title === 'string') return problem
  } catch {
    // It is none of ours: a proxy stands between.
  }
  const { status } = answer
  return { code: `HTTP_${status}`, status, title: `The server, or a proxy in front of it, answered ${status}.` }
}

/** One part of a path. */
export function part(text: string): string {
  return encodeURIComponent(text)
}
