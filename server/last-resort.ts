/**
 * Handles unhandled errors: logs them without data from outside, and counts them. The server continues if its state is
 * known to be good, and otherwise shuts down gracefully.
 */
import type { Logger } from 'pino'
import { PushError } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import type { UnexpectedKind } from '../common/unexpected.ts'

/** What it hears; `process`. */
export interface Unhandled {
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown
}

interface LastResortOptions {
  readonly logger: Logger
  /** Ends in order, as a failure. */
  end(): void
}

export interface LastResort {
  /** From now on there is something to go on with; before, any such error ends the command. */
  serve(metrics?: Pick<Metrics, 'unexpectedErrors'>): void
}

export function installLastResort(unhandled: Unhandled, { logger, end }: LastResortOptions): LastResort {
  let isServing = false
  let isEnding = false
  let counter: Metrics['unexpectedErrors'] | undefined

  function take(kind: UnexpectedKind, error: unknown): void {
    counter?.inc({ kind })
    if (isServing && leavesStateKnown(error))
      return logger.error({ err: error }, 'unhandled error; the server continues')
    if (isEnding) return
    isEnding = true
    logger.fatal({ err: error }, 'stopping after an unhandled error')
    end()
  }

  unhandled.on('uncaughtException', (error) => take('exception', error))
  unhandled.on('unhandledRejection', (error) => take('rejection', error))
  return {
    serve(metrics) {
      isServing = true
      counter = metrics?.unexpectedErrors
    },
  }
}

/** The folder of the store, of this build. */
const STORE = new URL('../store/', import.meta.url).href
const OUT_OF_MEMORY = ['ENOMEM', 'ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY']

/**
 * The store alone holds what was accepted. What its own code throws and is no error of the catalogue is a fault in it, and
 * what it would do next is not known; the same when memory is used up. Everything else is a dependency, or one
 * connection.
 */
function leavesStateKnown(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof PushError) return true
  const { code = '', name, message } = error as NodeJS.ErrnoException
  if (OUT_OF_MEMORY.includes(code) || (name === 'RangeError' && message.includes('allocation failed'))) return false
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line) && !line.includes('(node:'))
  return frames[0]?.includes(STORE) !== true
}
