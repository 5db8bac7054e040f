/** The calls of a command over HTTP. */
import { setTimeout as delay } from 'node:timers/promises'
import { CommandError, EXIT, type ExitCode } from './command-error.ts'

/** What the server said no with. */
export class Refusal extends CommandError {
  /** Of the catalogue of errors; undefined: it was no answer of ours. */
  readonly code: string | undefined
  readonly status: number

  constructor(exitCode: ExitCode, status: number, code: string | undefined, message: string) {
    super(exitCode, message)
    this.status = status
    this.code = code
  }
}

/** Calls the server; resolves to what it answered. @throws CommandError, Refusal */
export type Ask = (method: string, path: string, body?: object, signal?: AbortSignal) => Promise<unknown>

const ANSWER_MS = 15_000

/** Redirections are not followed: the key is for this server alone. */
export function askAt(url: string, bearer: string): Ask {
  const base = url.replace(/\/+$/, '')
  return async (method, path, body, signal) => {
    const init = {
      method,
      headers: {
        ...authorization(bearer),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    return await inTime(signal, async (ends) => {
      const answer = await call(base, path, { ...init, signal: ends })
      const text = await answer.text().catch((error: unknown) => {
        throw unreachable(base, error)
      })
      if (answer.ok) return text === '' ? undefined : parsed(text, base)
      throw refusalOf(answer.status, text, base)
    })
  }
}

/**
 * A response that goes on: resolves when it has begun. Whoever reads it ends it: from then on, the signal does not.
 * @throws CommandError, Refusal
 */
export async function openStream(
  url: string,
  path: string,
  bearer: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const base = url.replace(/\/+$/, '')
  return await inTime(signal, async (ends) => {
    const answer = await call(base, path, { headers: { ...authorization(bearer), ...headers }, signal: ends })
    if (!answer.ok || answer.body === null) throw refusalOf(answer.status, await answer.text(), base)
    return answer.body
  })
}

/**
 * With a signal that is aborted when the time is up, or the other one is. Node.js 20 collects one of `AbortSignal.any` that only
 * a request holds, and then nothing ends that request.
 */
async function inTime<T>(signal: AbortSignal | undefined, work: (ends: AbortSignal) => Promise<T>): Promise<T> {
  const ends = new AbortController()
  const end = () => ends.abort(signal?.reason)
  const late = () => ends.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  const timer = setTimeout(late, ANSWER_MS)
  if (signal?.aborted === true) end()
  signal?.addEventListener('abort', end, { once: true })
  try {
    return await work(ends.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  }
}

/** Ends earlier, without an error, when the signal says so. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

function authorization(bearer: string) {
  return { authorization: `Bearer ${Buffer.from(bearer).toString('latin1')}` }
}

async function call(base: string, path: string, init: RequestInit): Promise<Response> {
  return await fetch(`${base}${path}`, { redirect: 'error', ...init }).catch((error: unknown) => {
    throw unreachable(base, error)
  })
}

export function unreachable(address: string, error: unknown): CommandError {
  const said = `${address} does not answer (${reasonOf(error)}); start the server, or give --url`
  return new CommandError(EXIT.unreachable, said, { cause: error })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `nothing within ${ANSWER_MS / 1000} s`
  const cause: unknown = error.cause ?? error
  if (!(cause instanceof Error)) return error.message
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}

function parsed(text: string, base: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandError(EXIT.unreachable, `${base} answered no JSON: it is no server of aedes-push`)
  }
}

function refusalOf(status: number, text: string, base: string): Refusal {
  const problem = problemOf(text)
  if (problem === undefined) {
    const said = `${base} answered ${status}, which is no answer of aedes-push`
    return new Refusal(EXIT.unreachable, status, undefined, said)
  }
  const exitCode = status === 401 || status === 403 ? EXIT.forbidden : EXIT.failed
  return new Refusal(exitCode, status, problem.code, problem.said)
}

function problemOf(text: string): { readonly code: string; readonly said: string } | undefined {
  let problem: { code?: unknown; title?: unknown; detail?: unknown }
  try {
    problem = JSON.parse(text) as typeof problem
  } catch {
    return undefined
  }
  const { code, title, detail } = problem
  if (typeof code !== 'string') return undefined
  const said = `${code}: ${String(title)}${typeof detail === 'string' ? ` (${detail})` : ''}`
  return { code, said: `${said}${HINTS[code] ?? ''}` }
}

/** What to do about it here, where the title does not say it. */
const HINTS: Readonly<Record<string, string>> = {
  CREDENTIALS_INVALID: '; give the key of this server with PUSH_PROVIDER_KEY, --provider-key-file or --data-dir',
}
