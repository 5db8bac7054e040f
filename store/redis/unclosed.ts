/**
 * Session closes that Redis did not answer. This node still holds such a session and is alive, so nobody else would end
 * it.
 */
import { LRUCache } from 'lru-cache'
import { PushError } from '../../errors.ts'
import type { SessionClose } from '../contract.ts'

export interface Unclosed {
  readonly epoch: number
  readonly close: SessionClose
}

type CloseOne<U> = (name: string, unclosed: U) => Promise<void>

const MOST = 20_000
const MOST_BYTES = 16 * 1024 * 1024
const OWN_BYTES = 256
const TOGETHER = 200

/** By name, or by token id. */
export class UnclosedSessions<U extends Unclosed> {
  readonly #closeOne: CloseOne<U>
  readonly #all = new LRUCache<string, U>({
    max: MOST,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ close }, name) =>
      OWN_BYTES + name.length + (close.state?.length ?? 0) + (close.will?.value.length ?? 0),
  })

  constructor(closeOne: CloseOne<U>) {
    this.#closeOne = closeOne
  }

  /** Tells the caller as well: it need do nothing. */
  async close(name: string, unclosed: U): Promise<void> {
    try {
      await this.#closeOne(name, unclosed)
    } catch (error) {
      if (error instanceof PushError && error.code === 'STORE_UNAVAILABLE') this.#all.set(name, unclosed)
      throw error
    }
  }

  /** Opened again: what was not closed is taken over. */
  opened(name: string): void {
    this.#all.delete(name)
  }

  /** Rejects when Redis does not answer still. */
  async tryAgain(): Promise<void> {
    const all = [...this.#all]
    for (let from = 0; from < all.length; from += TOGETHER) {
      await Promise.all(all.slice(from, from + TOGETHER).map(([name, unclosed]) => this.#closeAgain(name, unclosed)))
    }
  }

  async #closeAgain(name: string, unclosed: U): Promise<void> {
    if (this.#all.peek(name) !== unclosed) return
    await this.#closeOne(name, unclosed)
    if (this.#all.peek(name) === unclosed) this.#all.delete(name)
  }
}
