/**
 * The position of a reader in one log, as far as this process knows: it tells which parts may have something to read.
 */
import type { Part, ReaderMove, ReaderPart } from '../../store/contract.ts'

export class Standing {
  readonly log: string
  readonly reader: string
  #cursors: number[] = []
  #ends: number[] = []
  /** By the monotonic clock. */
  #lookedAt = -Infinity

  constructor(log: string, reader: string) {
    this.log = log
    this.reader = reader
  }

  /** The store was asked that recently. */
  isFresh(now: number, forMs: number): boolean {
    return now - this.#lookedAt < forMs
  }

  /** What is known may be wrong: it is to be checked again. */
  doubt(): void {
    this.#lookedAt = -Infinity
  }

  /** Takes what `look` gives. What is heard meanwhile counts. */
  async look(look: () => Promise<readonly ReaderPart[]>, now: number): Promise<void> {
    const before = this.#ends
    this.#ends = [...before]
    const parts = await look()
    this.#cursors = parts.map(({ cursor }) => cursor)
    this.#ends = parts.map(({ part, end }) => {
      const heard = this.#ends[part] ?? 0
      return heard > (before[part] ?? 0) ? Math.max(heard, end) : end
    })
    this.#lookedAt = now
  }

  cursor(part: Part): number {
    return this.#cursors[part] ?? 0
  }

  end(part: Part): number {
    return this.#ends[part] ?? 0
  }

  /** The log has grown. */
  grown(part: Part, offset: number): void {
    this.#ends[part] = Math.max(this.end(part), offset)
  }

  /** A read of the part found this end; `known` was known before it. */
  found(part: Part, end: number, known: number): void {
    this.#ends[part] = this.end(part) > known ? Math.max(this.end(part), end) : end
  }

  /** The store cuts cursors to the end of their part. */
  moved(moves: readonly ReaderMove[]): void {
    for (const { part, cursor } of moves)
      this.#cursors[part] = Math.max(this.cursor(part), Math.min(cursor, this.end(part)))
  }
}
