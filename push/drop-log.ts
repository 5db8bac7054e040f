/** Logs what full logs dropped: one line with a count per interval. */
import type { Logger } from 'pino'
import type { LogKind } from '../common/metrics.ts'

/** Interval of the lines, because a full log drops a message for each new one, ms. */
const EVERY_MS = 10_000

const OLDEST = 'dropped their oldest messages'
const WHAT: Record<LogKind, string> = {
  private: OLDEST,
  broadcast: OLDEST,
  upstream: OLDEST,
  event: OLDEST,
  session: 'refused the newest messages',
}

export interface DropLog {
  dropped(destination: LogKind, count: number): void
  /** Logs the remaining counts. */
  close(): void
}

export function createDropLog(logger: Pick<Logger, 'warn'>, everyMs = EVERY_MS): DropLog {
  const counts = new Map<LogKind, number>()
  let timer: NodeJS.Timeout | undefined

  function say(): void {
    clearTimeout(timer)
    timer = undefined
    for (const [destination, count] of counts)
      logger.warn({ destination, count }, `logs were full and ${WHAT[destination]}`)
    counts.clear()
  }

  return {
    dropped(destination, count) {
      counts.set(destination, (counts.get(destination) ?? 0) + count)
      timer ??= setTimeout(say, everyMs).unref()
    },
    close: say,
  }
}
