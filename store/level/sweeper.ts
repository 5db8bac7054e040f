/** When the sweeps run: one at a time, with a pause after each. */
import { unavailable } from './database.ts'

export class Sweeper {
  readonly #pass: () => Promise<void>
  readonly #pauseMs: number
  #isOpen = false
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined
  #problem: string | undefined

  constructor(pass: () => Promise<void>, pauseMs: number) {
    this.#pass = pass
    this.#pauseMs = pauseMs
  }

  /** Why the last one that ran by itself failed. */
  get problem(): string | undefined {
    return this.#problem
  }

  open(): void {
    this.#isOpen = true
    this.#later()
  }

  /** No more begin. */
  close(): void {
    this.#isOpen = false
    clearTimeout(this.#timer)
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    await this.#sweeping?.catch(() => undefined)
  }

  /** A call during a pass starts another one after it, because more may be due by then. */
  async sweep(): Promise<void> {
    if (!this.#isOpen) throw unavailable('the embedded store is closed')
    const before = this.#sweeping ?? Promise.resolve()
    const pass = before.catch(() => undefined).then(this.#pass)
    this.#sweeping = pass
    await pass
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.sweep().then(
        () => this.#swept(undefined),
        (error) => this.#swept(`The last sweep for expired messages failed: ${String(error)}`),
      )
    }, this.#pauseMs).unref()
  }

  #swept(problem: string | undefined): void {
    this.#problem = problem
    if (this.#isOpen) this.#later()
  }
}
