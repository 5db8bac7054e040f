/** One call to a receiver: a POST over a connection that belongs to this webhook. */
import { Agent } from 'undici'
import { AddressRefused, checkedConnector, type Lookup } from './connect.ts'
import { retryAfterMs } from './schedule.ts'
import { checkTarget, type TargetRules } from './target.ts'

/** What a receiver answers is read up to here, and thrown away. */
const LONGEST_ANSWER = 64 * 1024
const LONGEST_HEADERS = 16 * 1024
/** A connection waits so long for the next batch, ms. */
const KEPT_MS = 1_000

export type Failure =
  | 'status'
  | 'redirect'
  | 'timeout'
  | 'address-refused'
  | 'url-refused'
  | 'dns'
  | 'tls'
  | 'connection'
  | 'aborted'

export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'gone'; readonly status: number }
  | {
      readonly kind: 'failed'
      readonly failure: Failure
      readonly status?: number
      /** What the receiver asks for, 0: nothing. */
      readonly retryAfterMs: number
    }

export interface SenderOptions {
  readonly rules: TargetRules
  readonly find: Lookup
  readonly timeoutMs: number
  readonly userAgent: string
  readonly now: () => number
}

export interface Call {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** It takes no proxy from the environment and follows no redirect. */
export class Sender {
  readonly #options: SenderOptions
  #agent: Agent | undefined

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async send(call: Call, gone: AbortSignal): Promise<Outcome> {
    const over = new AbortController()
    const timeUp = () => over.abort(new DOMException('the time is up', 'TimeoutError'))
    const stop = () => over.abort(new DOMException('stopped', 'AbortError'))
    const timer = setTimeout(timeUp, this.#options.timeoutMs)
    gone.addEventListener('abort', stop, { once: true })
    if (gone.aborted) stop()
    try {
      return await this.#request(call, over.signal)
    } catch (error) {
      this.close()
      const failure = over.signal.aborted ? abortedAs(over.signal) : failureOf(error)
      return { kind: 'failed', failure, retryAfterMs: 0 }
    } finally {
      clearTimeout(timer)
      gone.removeEventListener('abort', stop)
    }
  }

  /** Ends its connection; the next call has another one. */
  close(): void {
    const agent = this.#agent
    this.#agent = undefined
    // Nothing of it is waited for: one that connects ends when that does.
    agent?.destroy().catch(() => undefined)
  }

  async #request({ url, headers, body }: Call, signal: AbortSignal): Promise<Outcome> {
    const { rules, userAgent, now } = this.#options
    signal.throwIfAborted()
    // The rules may be others than when it was made.
    const { origin, pathname, search } = checkTarget(url, rules)
    const asked = this.#connected().request({
      origin,
      path: `${pathname}${search}`,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': userAgent },
      body,
      signal,
    })
    // Before it is connected, undici looks at no signal.
    const answer = await orAborted(asked, signal)
    // The status says it all: how the rest of the answer ends does not matter.
    await answer.body.dump({ limit: LONGEST_ANSWER, signal }).catch(() => undefined)
    return outcomeOf(answer.statusCode, retryAfterMs(textOf(answer.headers['retry-after']), now()))
  }

  #connected(): Agent {
    const { rules, find, timeoutMs } = this.#options
    this.#agent ??= new Agent({
      connect: checkedConnector(rules, find, timeoutMs),
      connections: 1,
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxHeaderSize: LONGEST_HEADERS,
      keepAliveTimeout: KEPT_MS,
      keepAliveMaxTimeout: KEPT_MS,
    })
    return this.#agent
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true })
    work.then(resolve, reject)
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted')
}

function outcomeOf(status: number, askedMs: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  if (status === 410) return { kind: 'gone', status }
  const failure = status >= 300 && status < 400 ? 'redirect' : 'status'
  return { kind: 'failed', failure, status, retryAfterMs: askedMs }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function abortedAs({ reason }: AbortSignal): Failure {
  return reason instanceof Error && reason.name === 'TimeoutError' ? 'timeout' : 'aborted'
}

/** By the code of Node, DNS or OpenSSL: the message of an error may hold what a receiver sent. */
function failureOf(error: unknown): Failure {
  if (error instanceof AddressRefused) return 'address-refused'
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (code === 'WEBHOOK_URL_INVALID') return 'url-refused'
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return 'timeout'
  if (/^(ENOTFOUND|ENODATA|ESERVFAIL|EREFUSED|EAI_|ENONAME|EBADNAME|EBADRESP)/.test(code)) return 'dns'
  if (/CERT|TLS|SSL|SIGNATURE|EPROTO|ISSUER/.test(code)) return 'tls'
  return 'connection'
}
