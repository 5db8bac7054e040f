/**
 * How the process ends. Signals are heard from the first moment on, before anything else is loaded: as the first process
 * of a container it would else ignore them while it starts.
 */

export type EndingSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT'

/** In the order in which they are listened to. */
const NUMBERS: Readonly<Record<EndingSignal, number>> = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1, SIGQUIT: 3 }

/** Ctrl-C reaches every process of a terminal, and npm and shells pass it on again: that is one signal, ms. */
const ECHO_MS = 2_000
/** From a signal to the exit, at most, ms. */
export const GRACE_MS = 8_000
/** For the last lines of the log, within that, ms. */
const FLUSH_MS = 500

interface EndingProcess {
  on(event: EndingSignal, listener: () => void): unknown
  exit(code: number): never
}

/** Closes everything in order; gives the exit code. */
export type Close = (signal: EndingSignal | undefined) => Promise<number>

/** What a shell says of a process that a signal has ended. */
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

  /** How it exits on a signal before there is anything to close; as the signal would, unless it is said here. */
  abortWith(code: number): void {
    this.#abortCode = code
  }

  /** What SIGHUP does instead of ending it. */
  onHangUp(reload: () => void): void {
    this.#reload = reload
  }

  /** Runs before the exit, whatever its reason. */
  onExit(flush: (timeoutMs: number) => Promise<void>): void {
    this.#flush = flush
  }

  /** From now on there is something to close. */
  onEnd(close: Close): void {
    this.#close = close
  }

  /** Ends in order, as a failure. */
  fail(): void {
    this.#failed = true
    this.#begin(undefined)
  }

  hear(signal: EndingSignal): void {
    if (signal === 'SIGHUP' && this.#reload !== undefined) return this.#reload()
    if (this.#endsAt === undefined) return this.#begin(signal)
    // Who asks again later does not want to wait.
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
