/**
 * When acknowledgements are written to the store: a write of many costs little more than a write of one. Whatever waits
 * here when the process is killed is delivered again.
 */

/** While little is written, or somebody waits to hear of it. */
const SOON_MS = 10
/** Acknowledgements in one write: they are worth waiting for more. */
const BUSY = 16
/** Of one session: a log that has room for few messages should not be full of acknowledged ones. */
const MANY = 100

interface CommitPeriodOptions {
  /** Between the beginnings of two writes, while many are written. */
  readonly periodMs: number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly write: () => void
}

export class CommitPeriod<Session> {
  readonly #periodMs: number
  readonly #soonMs: number
  readonly #monotonic: () => number
  readonly #write: () => void
  /** With the number of acknowledgements that wait. */
  #waiting = new Map<Session, number>()
  #timer: NodeJS.Timeout | undefined
  #isSoon = false
  #isBusy = false
  #writtenAt = Number.NEGATIVE_INFINITY

  constructor({ periodMs, monotonic, write }: CommitPeriodOptions) {
    this.#periodMs = periodMs
    this.#soonMs = Math.min(SOON_MS, periodMs)
    this.#monotonic = monotonic
    this.#write = write
  }

  /** Something of this session was acknowledged. It is written at once when nothing was written for a period. */
  add(session: Session, soon = false): void {
    const count = (this.#waiting.get(session) ?? 0) + 1
    this.#waiting.set(session, count)
    const isSoon = soon || count >= MANY || !this.#isBusy
    if (this.#timer !== undefined && (this.#isSoon || !isSoon)) return
    this.#isSoon = isSoon
    const period = isSoon ? this.#soonMs : this.#periodMs
    this.#writeAfter(Math.max(0, this.#writtenAt + period - this.#monotonic()))
  }

  /** They could not be written. What is acknowledged meanwhile does not make it sooner: the store has its pause. */
  retry(sessions: Iterable<Session>, afterMs: number): void {
    for (const session of sessions) this.#waiting.set(session, this.#waiting.get(session) ?? 0)
    if (this.#timer !== undefined) return
    this.#isSoon = true
    this.#writeAfter(afterMs)
  }

  #writeAfter(waitMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#write, waitMs)
  }

  /** Those that are to be written now. */
  take(): Session[] {
    this.stop()
    this.#writtenAt = this.#monotonic()
    let count = 0
    for (const each of this.#waiting.values()) count += each
    this.#isBusy = count >= BUSY
    const sessions = [...this.#waiting.keys()]
    this.#waiting = new Map()
    return sessions
  }

  /** It writes the last itself. */
  forget(session: Session): void {
    this.#waiting.delete(session)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isSoon = false
  }
}
