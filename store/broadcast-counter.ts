/**
 * Counts of acknowledgements and QoS 0 deliveries of broadcasts in this process, accumulated here and written at most
 * once a second: neither publishing a broadcast nor counting costs anything per device. Counts that are not written
 * when the process ends are lost, and a failed write may count twice: the numbers are approximate.
 */
import type { FollowingStore } from './following-contract.ts'

interface BroadcastCounterOptions {
  readonly store: Pick<FollowingStore, 'countBroadcasts'>
  /** A write failed; it is tried again. */
  readonly failed: (error: unknown) => void
}

/** Of one broadcast. */
interface Count {
  readonly app: string
  readonly offset: number
  acknowledged: number
  sent: number
}

/** Between two writes, ms. */
const PERIOD_MS = 1_000
/** In one write. */
const TOGETHER = 1_000
/** While the store is unavailable no more than these are counted. */
const MOST = 10_000

export class BroadcastCounter {
  readonly #options: BroadcastCounterOptions
  /** By app, then by offset. */
  #apps = new Map<string, Map<number, Count>>()
  #size = 0
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isClosed = false

  constructor(options: BroadcastCounterOptions) {
    this.#options = options
  }

  /** Count only followed broadcasts (`LogEntry.isFollowed`). */
  acknowledged(app: string, offset: number): void {
    this.#add(app, offset, 1, 0)
  }

  sent(app: string, offset: number): void {
    this.#add(app, offset, 0, 1)
  }

  /** Writes the accumulated counts. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#writing
    await this.#write()
  }

  #add(app: string, offset: number, acknowledged: number, sent: number): void {
    let ofApp = this.#apps.get(app)
    if (ofApp === undefined) this.#apps.set(app, (ofApp = new Map()))
    const count = ofApp.get(offset)
    if (count !== undefined) {
      count.acknowledged += acknowledged
      count.sent += sent
    } else if (this.#size < MOST) {
      ofApp.set(offset, { app, offset, acknowledged, sent })
      this.#size++
    }
    if (this.#writing === undefined && !this.#isClosed) this.#timer ??= setTimeout(() => this.#due(), PERIOD_MS).unref()
  }

  #due(): void {
    this.#timer = undefined
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
      if (this.#size > 0 && !this.#isClosed) this.#timer ??= setTimeout(() => this.#due(), PERIOD_MS).unref()
    })
  }

  async #write(): Promise<void> {
    const counts = [...this.#apps.values()].flatMap((ofApp) => [...ofApp.values()])
    this.#apps = new Map()
    this.#size = 0
    for (let from = 0; from < counts.length; from += TOGETHER) {
      try {
        await this.#options.store.countBroadcasts(counts.slice(from, from + TOGETHER))
      } catch (error) {
        this.#options.failed(error)
        for (const { app, offset, acknowledged, sent } of counts.slice(from)) this.#add(app, offset, acknowledged, sent)
        return
      }
    }
  }
}
