/** The calls of the administrator over HTTP. */
import type { Ask } from './admin-command.ts'

/** What the server, or the way to it, said no with. */
export class AskError extends Error {
  override readonly name = 'AskError'
}

const ANSWER_MS = 15_000

/** Redirections are not followed: the key is for this server alone. */
export function askAt(url: string, key: string): Ask {
  const base = url.replace(/\/+$/, '')
  return async (method, path, body) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      redirect: 'error',
      headers: {
        authorization: `Bearer ${Buffer.from(key).toString('latin1')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch((error: unknown) => {
      throw new AskError(`${base} does not answer (${reasonOf(error)}); start the server, or give --url`)
    })
    const text = await answer.text()
    if (answer.ok) return text === '' ? undefined : parsed(text, base)
    throw new AskError(problemOf(text) ?? `${base} answered ${answer.status}, which is no answer of aedes-push`)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `nothing within ${ANSWER_MS / 1000} s`
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}

function parsed(text: string, base: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AskError(`${base} answered no JSON: it is no server of aedes-push`)
  }
}

function problemOf(text: string): string | undefined {
  let problem: { code?: unknown; title?: unknown; detail?: unknown }
  try {
    problem = JSON.parse(text) as typeof problem
  } catch {
    return undefined
  }
  const { code, title, detail } = problem
  if (typeof code !== 'string') return undefined
  return `${code}: ${String(title)}${typeof detail === 'string' ? ` (${detail})` : ''}`
}
