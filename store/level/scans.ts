/** A cache of scans of the disk. */
import { LRUCache } from 'lru-cache'
import type { Database, Range } from './database.ts'

interface ScansOptions<T> {
  readonly database: Database
  /** Number of cached scans. */
  readonly most: number
  range(name: string): Range
  make(rows: readonly [Buffer, Buffer][]): T
}

export class Scans<T extends object> {
  readonly #options: ScansOptions<T>
  readonly #known: LRUCache<string, T>
  #changes = 0

  constructor(options: ScansOptions<T>) {
    this.#options = options
    this.#known = new LRUCache({ max: options.most })
  }

  /** Read again when something changes while it is read. */
  async find(name: string): Promise<T> {
    for (;;) {
      const known = this.#known.get(name)
      if (known !== undefined) return known
      const before = this.#changes
      const rows = await this.#options.database.entries(this.#options.range(name))
      if (before !== this.#changes) continue
      const made = this.#options.make(rows)
      this.#known.set(name, made)
      return made
    }
  }

  /** Something of its kind was written; gives what is known of this name. */
  changed(name: string): T | undefined {
    this.#changes += 1
    return this.#known.get(name)
  }

  set(name: string, value: T): void {
    this.#changes += 1
    this.#known.set(name, value)
  }

  forget(): void {
    this.#changes += 1
    this.#known.clear()
  }
}
