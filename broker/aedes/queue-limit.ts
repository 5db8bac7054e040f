/**
 * How much may wait in the stored queue of one session, or of one shared subscription. A full queue takes nothing new,
 * as with Mosquitto's `max_queued_messages`: what was accepted before is not lost for what came later.
 */
import { LRUCache } from 'lru-cache'
import type { AedesPersistence } from './contract.ts'

interface QueueLimitOptions {
  /** Messages of one queue. */
  readonly limit: number
  /** Messages in the queue of a client; counts no further than `limit`. */
  readonly lengthOf: (clientId: string, limit: number) => Promise<number>
  /** Milliseconds since the epoch. */
  readonly monotonic: () => number
  readonly dropped: (clientId: string) => void
}

/** A queue is counted again after so many messages: other nodes fill it too, and its client empties it. */
const COUNT_EVERY = 100
/** A full queue is counted again after this time, ms. */
const LOOK_AGAIN_MS = 1000
/** Clients that are remembered. */
const REMEMBERED = 10_000

interface Known {
  /** Messages that may be added before the queue is counted again. */
  room: number
  /** When it was found full; 0 when it was not. */
  readonly fullAt: number
}

export class QueueLimit {
  readonly #options: QueueLimitOptions
  readonly #known = new LRUCache<string, Known>({ max: REMEMBERED })
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: QueueLimitOptions) {
    this.#options = options
  }

  /** Those whose queues take one more message; in turn, so that messages stay in order. */
  admit(clientIds: readonly string[]): Promise<ReadonlySet<string>> {
    const admitted = this.#turn.then(() => this.#admit(clientIds))
    this.#turn = admitted.catch(() => undefined)
    return admitted
  }

  /** A message has left the queue. */
  made(clientId: string): void {
    if (this.#known.get(clientId)?.room === 0) this.#known.delete(clientId)
  }

  async #admit(clientIds: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = clientIds.filter((clientId) => !this.#isKnown(clientId))
    if (unknown.length > 0) await Promise.all(unknown.map((clientId) => this.#count(clientId)))
    const admitted = new Set<string>()
    for (const clientId of clientIds) {
      const known = this.#known.get(clientId)
      if (known === undefined || known.room > 0) admitted.add(clientId)
      else this.#options.dropped(clientId)
      if (known !== undefined && known.room > 0) known.room--
    }
    return admitted
  }

  #isKnown(clientId: string): boolean {
    const known = this.#known.get(clientId)
    if (known === undefined) return false
    return known.room > 0 || this.#options.monotonic() - known.fullAt < LOOK_AGAIN_MS
  }

  async #count(clientId: string): Promise<void> {
    const { limit, lengthOf, monotonic } = this.#options
    const length = await lengthOf(clientId, limit)
    const room = Math.min(COUNT_EVERY, Math.max(0, limit - length))
    this.#known.set(clientId, { room, fullAt: room === 0 ? monotonic() : 0 })
  }
}

/** For a persistence of an embedder's, of which no more is known. */
export function lengthByReading(persistence: AedesPersistence): QueueLimitOptions['lengthOf'] {
  return async (clientId, limit) => {
    let length = 0
    for await (const _ of persistence.outgoingStream({ id: clientId })) if (++length >= limit) break
    return length
  }
}
