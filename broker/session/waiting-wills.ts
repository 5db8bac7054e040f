/** Wills that the store did not accept: they are published again until it does, because nobody else could send them. */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'

interface Waiting {
  readonly bytes: number
  readonly publish: () => Promise<void>
}

/** Between two tries, ms. */
const AGAIN_MS = 1_000
/** As many wait; the oldest go. */
const MOST = 20_000
const MOST_BYTES = 16 * 1024 * 1024
/** What one weighs besides its payload. */
const OWN_BYTES = 500

export class WaitingWills {
  readonly #logger: Logger
  readonly #waiting: LRUCache<number, Waiting>
  #last = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(logger: Logger) {
    this.#logger = logger
    this.#waiting = new LRUCache({
      max: MOST,
      maxSize: MOST_BYTES,
      sizeCalculation: ({ bytes }) => OWN_BYTES + bytes,
      dispose: (_will, _key, reason) => {
        if (reason === 'evict') logger.error('lost a will: too many are waiting for the store')
      },
    })
  }

  /** `bytes` are those of its payload. Never rejects. */
  async publish(bytes: number, publish: () => Promise<void>): Promise<void> {
    try {
      await publish()
    } catch (error) {
      if (this.#stopped || !isUnavailable(error)) return this.#logger.error({ err: error }, 'could not publish a will')
      this.#logger.warn({ err: error }, 'could not publish a will, trying again')
      this.#waiting.set((this.#last += 1), { bytes, publish })
      this.#later()
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    if (this.#waiting.size > 0)
      this.#logger.error({ wills: this.#waiting.size }, 'lost wills: the store is unavailable')
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#tryAll().then(
        () => {
          this.#timer = undefined
          if (this.#waiting.size > 0 && !this.#stopped) this.#later()
        },
        // Each is owned by itself.
        () => undefined,
      )
    }, AGAIN_MS).unref()
  }

  /** One after the other, so that it is never a burst; until the first that the store does not take. */
  async #tryAll(): Promise<void> {
    // The oldest first.
    for (const [key, { publish }] of [...this.#waiting].toReversed()) {
      if (this.#stopped) return
      try {
        await publish()
      } catch (error) {
        if (isUnavailable(error)) return
        this.#logger.error({ err: error }, 'could not publish a will')
      }
      this.#waiting.delete(key)
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof PushError && error.code === 'STORE_UNAVAILABLE'
}
