/** The sessions that this node holds, each with its epoch, and the notices of their ends. */
import { LRUCache } from 'lru-cache'

interface WithEpoch {
  readonly epoch: number
}

/** How many are checked together after a gap, so that live traffic goes on in between. */
const CHECKED_TOGETHER = 200
const EARLY_ENDS = 1_000
/** A name is at most 70,000 characters. */
const EARLY_CHARACTERS = 1_000_000

export class Held<Session extends WithEpoch, End extends WithEpoch> {
  readonly #held = new Map<string, Session>()
  /** Ends that were heard of sessions that are not held here: perhaps the answer of `open` is still under way. */
  readonly #early = new LRUCache<string, End>({
    max: EARLY_ENDS,
    maxSize: EARLY_CHARACTERS,
    sizeCalculation: (_, name) => name.length + 1,
  })

  /** Returns the end of this session, when it was heard before. */
  opened(name: string, session: Session): End | undefined {
    const known = this.#held.get(name)
    if (known === undefined || known.epoch < session.epoch) this.#held.set(name, session)
    const early = this.#early.get(name)
    this.#early.delete(name)
    return early !== undefined && early.epoch >= session.epoch ? early : undefined
  }

  /** News of an end; from another node it may come before this node knows of the session. */
  ended(name: string, end: End): void {
    if (!this.#held.has(name)) this.#early.set(name, end)
    this.forget(name, end.epoch)
  }

  /** The session with this epoch or a lower one is over. */
  forget(name: string, epoch: number): void {
    const known = this.#held.get(name)
    if (known !== undefined && known.epoch <= epoch) this.#held.delete(name)
  }

  get(name: string): Session | undefined {
    return this.#held.get(name)
  }

  /** Undefined: it ended, or was opened again. */
  withEpoch(name: string, epoch: number): Session | undefined {
    const known = this.#held.get(name)
    return known?.epoch === epoch ? known : undefined
  }

  /** Rejects with the first check that does. */
  async forEach(check: (name: string, session: Session) => Promise<void>): Promise<void> {
    const all = [...this.#held]
    for (let from = 0; from < all.length; from += CHECKED_TOGETHER) {
      await Promise.all(all.slice(from, from + CHECKED_TOGETHER).map(([name, session]) => check(name, session)))
    }
  }
}
