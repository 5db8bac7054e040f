/** Server-Sent Events of our server, over all connections that it takes to hear them. */
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { openStream, pause } from './ask.ts'
import { CommandError, EXIT } from './command-error.ts'

export interface StreamOptions {
  readonly url: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly bearer: string
  readonly signal: AbortSignal
  /** Hears that there is a connection, the first time and whenever there is one again. */
  readonly opened: (isFirst: boolean) => void
  readonly lost: () => void
}

export interface StreamEvent {
  /** `message` unless the server says otherwise. */
  readonly type: string
  readonly id: string | undefined
  readonly data: unknown
}

/** As the server says it where it says it: how long to wait before it is asked again, ms. */
const RETRY_MS = 2_000
const MOST_BYTES = 64 * 1024 * 1024
/** Errors that a new token or key alone ends. */
const LASTING = new Set([
  'TOKEN_EXPIRED',
  'TOKEN_REVOKED',
  'TOKEN_SUPERSEDED',
  'TOKEN_UNKNOWN',
  'CREDENTIALS_INVALID',
  'SCOPE_MISSING',
  'APP_FORBIDDEN',
  'KEY_REVOKED',
  'RATE_LIMITED',
])

/** Ends with the signal. @throws CommandError when nothing more can come, or nobody answers the first time */
export async function* streamEvents(options: StreamOptions): AsyncGenerator<StreamEvent, void, undefined> {
  const { signal } = options
  const place = { last: '', retryMs: RETRY_MS }
  let isFirst = true
  while (!signal.aborted) {
    try {
      const body = await open(options, place.last)
      options.opened(isFirst)
      isFirst = false
      yield* eventsOf(body, place, signal)
    } catch (error) {
      if (signal.aborted) return
      if (isFirst || (error instanceof CommandError && error.exitCode !== EXIT.unreachable)) throw error
    }
    if (signal.aborted) return
    options.lost()
    await pause(place.retryMs, signal)
  }
}

function open({ url, path, query, bearer, signal }: StreamOptions, last: string) {
  const search = new URLSearchParams(query)
  const headers: Record<string, string> = last === '' ? {} : { 'last-event-id': last }
  return openStream(url, search.size === 0 ? path : `${path}?${search.toString()}`, bearer, headers, signal)
}

async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  place: { last: string; retryMs: number },
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, undefined> {
  const parser = new EventSourceParserStream({
    maxBufferSize: MOST_BYTES,
    onError: 'terminate',
    onRetry: (ms) => void (place.retryMs = Math.min(ms, 60_000)),
  })
  for await (const { event: type = 'message', id, data } of body
    // It cancels the body, which the request does not do once it has begun.
    .pipeThrough(new TextDecoderStream(), { signal })
    .pipeThrough(parser)) {
    const said: unknown = JSON.parse(data)
    if (type === 'end') return ended(said)
    yield { type, id, data: said }
    // Not before it was handled: what comes next goes on from here.
    if (id !== undefined && id !== '') place.last = id
  }
}

function ended(said: unknown): void {
  const { code, title } = said as { readonly code: string; readonly title: string }
  if (LASTING.has(code)) throw new CommandError(EXIT.forbidden, `${code}: ${title}`)
}
