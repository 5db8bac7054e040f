/** Publishes `$SYS/broker/...` on this node, at every multiple of the interval of the wall clock. */
import type { GeneralAccess, StoredCounts } from '../../index.ts'
import { SysTree } from './sys-tree.ts'

export interface SysOptions {
  readonly general: GeneralAccess
  /** What `$SYS/broker/version` says. */
  readonly version: string
  /** Seconds between two updates; 0: none, and what was said is gone. */
  readonly interval: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly heap: () => number
  /** What is stored cannot be counted now: what was known before is said again. */
  failed(error: unknown): void
}

/** As Mosquitto publishes them. */
const QOS = 2
const NOTHING_STORED: StoredCounts = { sessionsAway: 0, retained: 0, messages: 0, bytes: 0 }

export class SysPublisher {
  readonly #options: Omit<SysOptions, 'interval'>
  readonly #start: number
  readonly #topics = new Map<string, number>()
  #tree: SysTree
  #interval: number
  #timer: NodeJS.Timeout | undefined
  #stored = NOTHING_STORED
  #isUpdating = false

  constructor(options: SysOptions) {
    this.#options = options
    this.#start = options.monotonic()
    this.#tree = new SysTree(options.version)
    this.#interval = options.interval
  }

  /** Says all of it now, and goes on by the clock. Never rejects. */
  async start(): Promise<void> {
    if (this.#interval === 0) return
    this.#wait()
    await this.#update()
  }

  /** From now on: with another interval, or none. Never rejects. */
  async set(interval: number): Promise<void> {
    if (interval === this.#interval) return
    this.#interval = interval
    clearTimeout(this.#timer)
    if (interval > 0) return await this.start()
    for (const topic of this.#topics.keys()) this.#options.general.setLocal(topic, undefined, { qos: QOS })
    this.#topics.clear()
    this.#tree = new SysTree(this.#options.version)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#interval = 0
  }

  #wait(): void {
    const interval = this.#interval * 1000
    const left = interval - (this.#options.now() % interval)
    // A timer may be early by a moment: the next multiple is meant then, and not the one that comes right now.
    const ms = left < interval / 100 ? left + interval : left
    this.#timer = setTimeout(() => {
      this.#wait()
      this.#update().catch(this.#options.failed)
    }, ms).unref()
  }

  /** Never rejects. */
  async #update(): Promise<void> {
    if (this.#isUpdating) return
    this.#isUpdating = true
    const { general, failed } = this.#options
    try {
      this.#stored = await general.stored()
    } catch (error) {
      failed(error)
    } finally {
      this.#isUpdating = false
    }
    try {
      if (this.#interval > 0) this.#say()
    } catch (error) {
      failed(error)
    }
  }

  #say(): void {
    const { general, monotonic, heap } = this.#options
    const { retained, messages, bytes } = this.#stored
    const own = { count: SysTree.size, bytes: [...this.#topics.values()].reduce((sum, size) => sum + size, 0) }
    const counts = {
      ...general.counts(),
      ...this.#stored,
      retained: retained + own.count,
      messages: messages + own.count,
      bytes: bytes + own.bytes,
      heap: heap(),
    }
    for (const { topic, payload } of this.#tree.update(counts, (monotonic() - this.#start) / 1000)) {
      const encoded = Buffer.from(payload)
      this.#topics.set(topic, encoded.byteLength)
      general.setLocal(topic, encoded, { qos: QOS })
    }
  }
}
