/**
 * The live sessions of one kind on this node, by name: one connection each, which starts after the writes of the
 * previous one are done.
 */
import { PushError } from '../../errors.ts'

/** A session as this file sees it. */
export interface LiveNamed {
  readonly name: string
  readonly epoch: number
  readonly connection: {
    readonly isParting: boolean
    onceOver(callback: () => void): void
  }
  end(error: PushError): void
}

export class LiveNames<S extends LiveNamed> {
  readonly #live = new Map<string, S>()
  /** Sessions whose end is being written: the next connection of the name waits for it. */
  readonly #closing = new Map<string, Promise<void>>()
  /** Ends that were heard of sessions that are just being opened. */
  readonly #expected = new Map<string, { waiting: number; endedEpoch: number }>()

  get(name: string): S | undefined {
    return this.#live.get(name)
  }

  all(): S[] {
    return [...this.#live.values()]
  }

  /** Ends all, and waits until what they leave is written. */
  async stop(): Promise<void> {
    for (const session of this.all()) session.end(new PushError('SHUTTING_DOWN'))
    await Promise.all(this.#closing.values())
  }

  /** Ends a session of this name here, and waits until what it leaves is written. */
  async release(name: string): Promise<void> {
    const live = this.#live.get(name)
    // A client that reconnects at once: its last packets still count.
    if (live?.connection.isParting === true) await new Promise<void>((resolve) => live.connection.onceOver(resolve))
    live?.end(new PushError('SESSION_TAKEN_OVER'))
    await this.#closing.get(name)
  }

  /** From now on, an end that is heard of this name is kept for `add`; returns how to stop. */
  expect(name: string): () => void {
    const expected = this.#expected.get(name) ?? { waiting: 0, endedEpoch: 0 }
    expected.waiting += 1
    this.#expected.set(name, expected)
    return () => {
      expected.waiting -= 1
      if (expected.waiting === 0) this.#expected.delete(name)
    }
  }

  /** @throws SESSION_TAKEN_OVER when a newer one is known already */
  add(session: S): void {
    const { name, epoch } = session
    const other = this.#live.get(name)
    const ended = this.#expected.get(name)?.endedEpoch ?? 0
    if ((ended > 0 && ended >= epoch) || (other !== undefined && other.epoch > epoch))
      throw new PushError('SESSION_TAKEN_OVER')
    other?.end(new PushError('SESSION_TAKEN_OVER'))
    this.#live.set(name, session)
  }

  /** `written` resolves when the store knows the end of the session. */
  remove(session: S, written: Promise<unknown>): void {
    const { name } = session
    if (this.#live.get(name) === session) this.#live.delete(name)
    const earlier = this.#closing.get(name)
    const closing: Promise<void> = Promise.all([earlier, written]).then(() => {
      if (this.#closing.get(name) === closing) this.#closing.delete(name)
    })
    this.#closing.set(name, closing)
  }

  /** Sessions of this name with this epoch or a lower one are over. */
  ended(name: string, epoch: number): void {
    const session = this.#live.get(name)
    if (session !== undefined && session.epoch <= epoch) session.end(new PushError('SESSION_TAKEN_OVER'))
    const expected = this.#expected.get(name)
    if (expected !== undefined) expected.endedEpoch = Math.max(expected.endedEpoch, epoch)
  }
}

/** The store did not answer: what failed is done again, soon, together with what fails meanwhile. */
export class Retries {
  readonly #afterMs: number
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(afterMs: number) {
    this.#afterMs = afterMs
  }

  later(again: () => void): void {
    this.#waiting.add(again)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const all = [...this.#waiting]
      this.#waiting.clear()
      for (const each of all) each()
    }, this.#afterMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
