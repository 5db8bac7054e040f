/**
 * Followed messages in a private log that the cursor passes without an acknowledgement. The commit that moves the
 * cursor past one reports it, and so do later commits until one is written.
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
