/** Lets versions that were subscribed later catch up on entries passed before. */
import { LogDrain } from './log-drain.ts'
import type { Lag } from './standings.ts'

export class CatchUp {
  readonly log: LogDrain
  readonly through: number
  readonly #lags: Map<string, Lag>

  /** `resendThrough`: an earlier connection may have sent as much. */
  constructor(lags: ReadonlyMap<string, Lag>, resendThrough: number) {
    this.#lags = new Map(lags)
    const all = [...lags.values()]
    const from = Math.min(...all.map((lag) => lag.from))
    this.through = Math.max(...all.map((lag) => lag.through))
    this.log = new LogDrain(from, this.through)
    if (all.every(({ restored }) => restored)) this.log.resendThrough = resendThrough
  }

  get versions(): Iterable<string> {
    return this.#lags.keys()
  }

  get isSent(): boolean {
    return this.log.sent >= this.through || this.#lags.size === 0
  }

  /** Nothing waits for an acknowledgement either. */
  get isDone(): boolean {
    return this.isSent && this.log.unacknowledged === 0
  }

  /** Those that this offset was passed of. */
  versionsAt(offset: number): string[] {
    return [...this.#lags].filter(([, { from, through }]) => offset > from && offset <= through).map(([each]) => each)
  }

  remove(version: string): void {
    this.#lags.delete(version)
  }
}
