/** The script that runs a batch of steps, and what can go wrong with it. */
import { readFileSync } from 'node:fs'
import { type ErrorCode, PushError } from '../../errors.ts'
import { luaKeyNames } from './keys.ts'
import { redisFault } from './fault.ts'

/** Each is a file of `lua/` with its own head. Those that most batches need: */
const OFTEN = [
  'wakes',
  'log',
  'ids',
  'token',
  'holder',
  'private',
  'named',
  'session_logs',
  'broadcast',
  'shares',
  'readers',
  'upstream',
]

/** Those that few need are defined together, when the first of them is asked for. */
const SELDOM = [
  'expiry',
  'wills',
  'marks',
  'details',
  'devices',
  'registry',
  'accounts',
  'session',
  'named_ends',
  'subscriptions',
  'nodes',
  'tables',
  'outcome',
  'removal',
  'web_push',
  'following',
  'retaining',
  'claims',
  'inventory',
  'sweep',
]

export function readScript(): string {
  const folder = new URL('./lua/', import.meta.url)
  const read = (part: string): string => readFileSync(new URL(`${part}.lua`, folder), 'utf8')
  const seldom = ['seldom = function()', ...SELDOM.map(read), 'end']
  return luaKeyNames() + [read('begin'), ...OFTEN.map(read), ...seldom, read('run')].join('\n')
}

const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  'TOKEN_UNKNOWN',
  'TOKEN_REVOKED',
  'TOKEN_SUPERSEDED',
  'SESSION_TAKEN_OVER',
  'RETAINED_LIMIT',
  'ID_REUSED',
  'WEB_PUSH_FULL',
  'UPSTREAM_SHARE',
  'RECEIVE_MAXIMUM_EXCEEDED',
])

const isRefusal = (code: string): code is ErrorCode => REFUSALS.has(code)

/** The error that a step was refused with. */
export function refusal(code: string): PushError {
  if (code === 'FULL') return unavailable('Redis is out of memory')
  return isRefusal(code) ? new PushError(code) : new PushError('STORE_UNAVAILABLE', `the script answered ${code}`)
}

/**
 * What to do about a failed batch:
 * - `again`: nothing says that Redis will not do it in a moment (connection lost, starting, failing over).
 * - `memory`: Redis refuses what stores; everything else may be done.
 * - `refused`: it will not go away by itself.
 */
type Failure = 'again' | 'memory' | 'refused'

const PASSING = new Set(['LOADING', 'READONLY', 'CLUSTERDOWN', 'TRYAGAIN', 'MASTERDOWN', 'MOVED', 'ASK', 'BUSY'])

export function classify(error: unknown): Failure {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return 'again'
  const text = error.message.replace(/^(ERR|-)\s*/, '')
  // A command that is refused inside a script is named by its own code, somewhere in the text.
  if (/\bOOM\b/.test(text)) return 'memory'
  return PASSING.has(text.split(' ', 1)[0] ?? '') || /\bREADONLY\b/.test(text) ? 'again' : 'refused'
}

/** `detail` never holds what was sent, nor what Redis says, which may quote it: it says what is wrong in words of ours. */
export function unavailable(detail: string, cause?: unknown): PushError {
  if (cause === undefined) return new PushError('STORE_UNAVAILABLE', detail)
  const fault = redisFault(cause)
  return new PushError('STORE_UNAVAILABLE', fault === undefined ? detail : `${detail}: ${fault.text}`, { cause })
}
