/** Log destinations, types of lines, and timestamps. */
import { ALL_LOG_TYPES, type LogType } from './log-values.ts'
import { ConfError } from './conf-error.ts'
import type { LogConf } from './mosquitto-conf.ts'
import type { Values } from './sections.ts'

const DEFAULT_TYPES: readonly LogType[] = ['error', 'warning', 'notice', 'information']
const NOWHERE = {
  topic: "'log_dest topic' goes nowhere: lines of the log are not published.",
  dlt: "'log_dest dlt' goes nowhere: there is no DLT.",
} as const

/** @throws ConfError */
export function logOf(global: Values<'global'>): { readonly log: LogConf; readonly warnings: readonly string[] } {
  const lines = global.all('log_dest')
  const from = lines.findLastIndex(({ to }) => to === 'none') + 1
  const kept = lines.slice(from)
  const files = lines.flatMap((line) => (line.to === 'file' ? [line.path] : []))
  if (files.length > 1) throw new ConfError('Duplicate "log_dest file" value.', global.placeOf('log_dest'))
  const goes = new Set(kept.map(({ to }) => to))
  const warnings: string[] = []
  if (goes.has('topic')) warnings.push(NOWHERE.topic)
  if (goes.has('dlt')) warnings.push(NOWHERE.dlt)
  if (goes.has('syslog')) warnings.push("'log_dest syslog' goes to stderr, which a service manager passes on.")
  const log = {
    stdout: goes.has('stdout'),
    stderr: goes.has('stderr') || goes.has('syslog') || lines.length === 0,
    file: goes.has('file') ? files[0] : undefined,
    types: typesOf(global),
    timestamp: global.get('log_timestamp') ?? true,
    timestampFormat: global.get('log_timestamp_format'),
    connectionMessages: global.get('connection_messages') ?? true,
  }
  return { log, warnings }
}

function typesOf(global: Values<'global'>): ReadonlySet<LogType> {
  const lines = global.all('log_type')
  if (lines.length === 0) return new Set(DEFAULT_TYPES)
  const types = new Set<LogType>()
  for (const line of lines) {
    if (line === 'none') types.clear()
    else if (line === 'all') for (const each of ALL_LOG_TYPES) types.add(each)
    else types.add(line)
  }
  return types
}
