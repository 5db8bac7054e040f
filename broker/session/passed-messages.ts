/**
 * Followed messages of a private log that the cursor passes though nobody acknowledged them. The commit that moves the
 * cursor past one says so, and those after it until one is written.
 */
import type { Commit, PassedAs } from '../../store/contract.ts'

export class PassedMessages {
  readonly #as = new Map<number, PassedAs>()

  get isEmpty(): boolean {
    return this.#as.size === 0
  }

  name(offset: number, as: PassedAs): void {
    this.#as.set(offset, as)
  }

  /** What a commit up to this cursor says. */
  change(cursor: number): Pick<Commit, 'passedAs'> | undefined {
    const passedAs = [...this.#as].filter(([offset]) => offset <= cursor)
    return passedAs.length === 0 ? undefined : { passedAs }
  }

  committed({ passedAs = [] }: Pick<Commit, 'passedAs'>): void {
    for (const [offset] of passedAs) this.#as.delete(offset)
  }
}
