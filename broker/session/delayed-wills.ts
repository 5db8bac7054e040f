/**
 * Wills with a delay (MQTT 5 section 3.1.3.2.2). The store keeps them with their sessions, so that they are published
 * even if this node is gone; the node that takes one publishes it.
 */
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { SessionOwner, Store } from '../../store/contract.ts'
import { WaitingWills } from './waiting-wills.ts'

interface DelayedWillsOptions {
  readonly store: Pick<Store, 'takeWill' | 'willPublished'>
  readonly logger: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Publishes what was kept. */
  readonly publish: (value: Uint8Array) => Promise<void>
}

/** Longest delay of a timer. */
const LONGEST_MS = 2 ** 31 - 1
/** If the taker dies, another node may take the will after this time, ms. */
const TAKEN_MS = 30_000

export class DelayedWills {
  readonly #options: DelayedWillsOptions
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #waiting: WaitingWills
  #stopped = false

  constructor(options: DelayedWillsOptions) {
    this.#options = options
    this.#waiting = new WaitingWills(options.logger)
  }

  /** One without a delay; when the store does not take it now, then later. `bytes` are those of its payload. Never rejects. */
  async publish(bytes: number, publish: () => Promise<void>): Promise<void> {
    await this.#waiting.publish(bytes, publish)
  }

  /** A session was closed with one. */
  add(owner: SessionOwner, epoch: number, publishAt: number): void {
    const delayMs = Math.min(Math.max(0, publishAt - this.#options.now()), LONGEST_MS)
    this.forget(owner)
    if (this.#stopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(keyOf(owner))
      // A timer may run a little early, and the wall clock may have been set back.
      if (this.#options.now() < publishAt) this.add(owner, epoch, publishAt)
      else this.due(owner, epoch)
    }, delayMs)
    this.#timers.set(keyOf(owner), timer.unref())
  }

  /** Its session is open again [MQTT-3.1.3-9]. */
  forget(owner: SessionOwner): void {
    const key = keyOf(owner)
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
  }

  /** It is due, and nobody may have published it. */
  due(owner: SessionOwner, epoch: number): void {
    // If this fails, the store reports the will again.
    this.#take(owner, epoch).catch((error: unknown) => this.#failed(error))
  }

  /** The session that it waited with was ended. Never rejects. */
  async ended(value: Uint8Array): Promise<void> {
    await this.publish(value.byteLength, () => this.#options.publish(value))
  }

  /** What waits is left to other nodes. */
  stop(): void {
    this.#stopped = true
    this.#waiting.stop()
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  async #take(owner: SessionOwner, epoch: number): Promise<void> {
    const { store, now, publish } = this.#options
    const value = await store.takeWill(owner, epoch, now() + TAKEN_MS)
    if (value === undefined) return
    await publish(value).catch((error: unknown) => {
      // What is refused once is refused again.
      if (!(error instanceof PushError) || error.code === 'STORE_UNAVAILABLE') throw error
      this.#failed(error)
    })
    await store.willPublished(owner, epoch)
  }

  #failed(error: unknown): void {
    this.#options.logger.error({ err: error }, 'could not publish a delayed will')
  }
}

function keyOf(owner: SessionOwner): string {
  return 'name' in owner ? `n${owner.name}` : `t${owner.tokenId}`
}
