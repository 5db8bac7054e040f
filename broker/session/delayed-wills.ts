/** Wills whose delay has not passed (MQTT 5 section 3.1.3.2.2). */
import type { Logger } from 'pino'

interface DelayedWill {
  readonly timer: NodeJS.Timeout
  publish(): Promise<void>
}

/** Longest delay of a timer. */
const LONGEST_MS = 2 ** 31 - 1

export class DelayedWills {
  readonly #wills = new Map<string, DelayedWill>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Calls `publish` after the delay, or when the session ends before that; not when it is resumed [MQTT-3.1.3-9]. */
  add(session: string, delayMs: number, publish: () => Promise<void>): void {
    const due = () => {
      this.#wills.delete(session)
      publish().catch((error: unknown) => this.#logger.error({ err: error }, 'could not publish a delayed will'))
    }
    const timer = setTimeout(due, Math.min(delayMs, LONGEST_MS)).unref()
    this.#wills.set(session, { timer, publish })
  }

  /** A connection has come back; `resumed` says whether to what an earlier one left. */
  async settle(session: string, resumed: boolean): Promise<void> {
    const will = this.#wills.get(session)
    if (will === undefined) return
    clearTimeout(will.timer)
    this.#wills.delete(session)
    if (!resumed) await will.publish()
  }
}
