/**
 * How the process ends. It listens to signals from the first moment, before anything else is loaded: the first process
 * of a container would otherwise ignore them during the start.
 */

export type EndingSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT'

/** In the order in which they are listened to. */
const NUMBERS: Readonly<Record<EndingSignal, number>> = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1, SIGQUIT: 3 }

/**
 * Ctrl-C reaches every process of a terminal, and npm and shells pass it on again: repeats within this time are one
 * signal, ms.
 */
const ECHO_MS = 2_000
/** Maximum time from a signal to the exit, ms. */
export const GRACE_MS = 8_000
/** Time for the last log lines, within that, ms. */
const FLUSH_MS = 500

interface EndingProcess {
  on(event: EndingSignal, listener: () => void): unknown
  exit(code: number): never
}

/** Closes everything gracefully; returns the exit code. */
export type Close = (signal: EndingSignal | undefined) => Promise<number>

/** The exit code that a shell reports for a process ended by a signal. */
export function exitCodeOf(signal: EndingSignal): number {
  return 128 + NUMBERS[signal]
}

export class Ending {
  readonly #process: EndingProcess
  readonly #now: () => number
  #close: Close | undefined
  #reload: (() => void) | undefined
  #flush: ((timeoutMs: number) => Promise<void>) | undefined
  #abortCode: number | undefined
  #endsAt: number | undefined
  #failed = false

  constructor(process: EndingProcess, now: () => number) {
    this.#process = process
    this.#now = now
    for (const signal of Object.keys(NUMBERS) as EndingSignal[]) process.on(signal, () => this.hear(signal))
  }

  /** The exit code for a signal before there is anything to close; default: that of the signal. */
  abortWith(code: number): void {
    this.#abortCode = code
  }

  /** The action of SIGHUP, instead of ending the process. */
  onHangUp(reload: () => void): void {
    this.#reload = reload
  }

  /** Runs before the exit, for every reason. */
  onExit(flush: (timeoutMs: number) => Promise<void>): void {
    this.#flush = flush
  }

  /** Sets what to close from now on. */
  onEnd(close: Close): void {
    this.#close = close
  }

  /** Shuts down gracefully, with an exit code of failure. */
  fail(): void {
    this.#failed = true
    this.#begin(undefined)
  }

  hear(signal: EndingSignal): void {
    if (signal === 'SIGHUP' && this.#reload !== undefined) return this.#reload()
    if (this.#endsAt === undefined) return this.#begin(signal)
    // A later second signal means that the sender does not want to wait.
    if (this.#now() - this.#endsAt >= ECHO_MS) this.#process.exit(exitCodeOf(signal))
  }

  async exit(code: number): Promise<void> {
    this.#endsAt ??= this.#now()
    await this.#flush?.(FLUSH_MS)
    this.#process.exit(code)
  }

  #begin(signal: EndingSignal | undefined): void {
    if (this.#endsAt !== undefined) return
    this.#endsAt = this.#now()
    const close = this.#close
    const code = signal === undefined ? 1 : (this.#abortCode ?? exitCodeOf(signal))
    const ended = close === undefined ? this.exit(code) : this.#run(close, signal)
    ended.catch(() => this.#process.exit(1))
  }

  async #run(close: Close, signal: EndingSignal | undefined): Promise<void> {
    const late = new Promise<number>((resolve) => setTimeout(() => resolve(1), GRACE_MS - FLUSH_MS))
    const code = await Promise.race([close(signal).catch(() => 1), late])
    await this.exit(this.#failed ? 1 : code)
  }
}
