/** Values of `log_dest` and `log_type`. */
import { ConfError } from './conf-error.ts'
import { firstWord, readText } from './values.ts'

const PLACES = ['none', 'syslog', 'stdout', 'stderr', 'topic', 'dlt'] as const

export type LogDestinationLine =
  | { readonly to: (typeof PLACES)[number] }
  | { readonly to: 'file'; readonly path: string }

export function readLogDestination(name: string, rest: string): LogDestinationLine {
  const word = firstWord(name, rest)
  if (word === 'file') return { to: 'file', path: readText('log_dest file', rest.trimStart().slice(word.length)) }
  const to = PLACES.find((each) => each === word)
  if (to === undefined) throw new ConfError(`Invalid 'log_dest' value (${word}).`)
  return { to }
}

const LOG_TYPES = [
  'error',
  'warning',
  'notice',
  'information',
  'debug',
  'subscribe',
  'unsubscribe',
  'internal',
  'websockets',
] as const

export type LogType = (typeof LOG_TYPES)[number]
export type LogTypeLine = LogType | 'all' | 'none'

export const ALL_LOG_TYPES: readonly LogType[] = LOG_TYPES

export function readLogType(name: string, rest: string): LogTypeLine {
  const word = firstWord(name, rest)
  if (word === 'all' || word === 'none') return word
  const type = LOG_TYPES.find((each) => each === word)
  if (type === undefined) throw new ConfError(`Invalid 'log_type' value (${word}).`)
  return type
}
