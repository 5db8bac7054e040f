/** Publishes `$SYS/broker/...` for this process. */
import type { Logger } from 'pino'
import { packageVersion } from '../common/package-version.ts'
import type { Push } from '../index.ts'
import { SysPublisher } from '../mosquitto-compat/index.ts'

/** `interval`: seconds, 0 for none. It goes on until it is closed. */
export function publishSys({ general }: Push, interval: number, logger: Logger): SysPublisher {
  const publisher = new SysPublisher({
    general,
    version: `aedes-push version ${packageVersion()}`,
    interval,
    now: Date.now,
    monotonic: () => performance.now(),
    heap() {
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    },
    failed: (error) => logger.warn({ err: error }, 'cannot count the store for $SYS right now'),
  })
  publisher.start().catch(() => undefined)
  return publisher
}
