/**
 * Work in order within each key, and side by side between them. A step begins when the one before it is done: when the
 * store fails in between, what is there is a beginning, and order is kept when the rest comes.
 */
const STEPS = 1_000
const BYTES = 16 * 1024 * 1024

export class Queues {
  readonly #tails = new Map<string, Promise<void>>()
  #steps = 0
  #bytes = 0
  #failure: { readonly error: unknown } | undefined
  #changed: (() => void) | undefined

  /** Resolves when there is room for more. @throws the first error of any step; nothing begins after it */
  async add(key: string, bytes: number, work: () => Promise<void>): Promise<void> {
    this.#begin(key, bytes, work)
    await this.#until(() => this.#steps < STEPS && this.#bytes < BYTES)
  }

  /** The last step of a key, for which there is always room. */
  addLast(key: string, work: () => Promise<void>): void {
    this.#begin(key, 0, work)
  }

  /** Resolves when all is done. @throws as `add` */
  async drain(): Promise<void> {
    await this.#until(() => this.#steps === 0)
  }

  #begin(key: string, bytes: number, work: () => Promise<void>): void {
    this.#steps += 1
    this.#bytes += bytes
    const before = this.#tails.get(key) ?? Promise.resolve()
    const tail = before
      .then(() => (this.#failure === undefined ? work() : undefined))
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .then(() => {
        this.#steps -= 1
        this.#bytes -= bytes
        if (this.#tails.get(key) === tail) this.#tails.delete(key)
        this.#changed?.()
      })
    this.#tails.set(key, tail)
  }

  /** After a failure, what has begun is awaited first. */
  async #until(holds: () => boolean): Promise<void> {
    while (this.#failure === undefined ? !holds() : this.#steps > 0) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
