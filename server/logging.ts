/** Creates the log as the settings say. */
import type { Logger } from 'pino'
import { describeError } from '../common/unexpected.ts'
import { createLogger, type LogDestination } from './logs.ts'
import type { Config } from './settings.ts'

export function loggerOf(config: Config, destination: Pick<LogDestination, 'write'>): Logger {
  const settings = { level: config.PUSH_LOG_LEVEL, linesPerMinute: config.PUSH_MAX_LOG_LINES }
  const serializers = { err: (error: unknown) => describeError(error) }
  return createLogger({ ...settings, now: () => performance.now() }, destination, { serializers })
}
