/**
 * What this node wants to hear of, stored in Redis with an expiry, so that a dead node leaves nothing behind. Entries
 * are renewed while they are needed.
 */
interface LeasesOptions<Key> {
  readonly now: () => number
  readonly lastsMs: number
  readonly renewedMs: number
  /** Keeps them until that time; 0: no longer. */
  readonly write: (keys: readonly Key[], until: number) => Promise<unknown>
}

export class Leases<Key> {
  readonly #options: LeasesOptions<Key>
  readonly #counts = new Map<Key, number>()
  /** Nobody wants them since this turn. */
  readonly #released = new Set<Key>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeasesOptions<Key>) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.renew().catch(ignoreLostHint), this.#options.renewedMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  has(key: Key): boolean {
    return this.#counts.has(key)
  }

  async renew(): Promise<void> {
    if (this.#counts.size > 0) await this.#options.write([...this.#counts.keys()], this.#end())
  }

  /** Returns how to stop. */
  async take(key: Key): Promise<() => void> {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    let stopped = false
    const stop = (): void => {
      if (stopped) return
      stopped = true
      this.#release(key)
    }
    try {
      await this.#options.write([key], this.#end())
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  #release(key: Key): void {
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left > 0) {
      this.#counts.set(key, left)
      return
    }
    this.#counts.delete(key)
    if (this.#released.size === 0) setImmediate(() => this.#tellReleased())
    this.#released.add(key)
  }

  /** What ends together costs one write: each may be one for every part of a log. */
  #tellReleased(): void {
    const keys = [...this.#released].filter((key) => !this.#counts.has(key))
    this.#released.clear()
    if (keys.length > 0) this.#options.write(keys, 0).catch(ignoreLostHint)
  }

  #end(): number {
    return Math.floor(this.#options.now()) + this.#options.lastsMs
  }
}

/** Until the lease ends, a node is woken that does not care; or one that cares looks later. */
function ignoreLostHint(): void {}
