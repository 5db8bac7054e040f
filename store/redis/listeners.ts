/**
 * Apps whose upstream logs this node listens to. Redis keeps the nodes that listen in each part, each until a time, so that
 * a node that died leaves nothing behind; all apps of this node are renewed with one step a part.
 */
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { LISTEN } from './steps.ts'

const LASTS_MS = 60 * 1000
const RENEWED_MS = 20 * 1000

interface ListenersOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly now: () => number
}

export class Listeners {
  readonly #options: ListenersOptions
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ListenersOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.renew().catch(ignoreLostHint), RENEWED_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  has(app: string): boolean {
    return this.#counts.has(app)
  }

  async renew(): Promise<void> {
    if (this.#counts.size > 0) await this.#write([...this.#counts.keys()], this.#lease())
  }

  async listen(app: string): Promise<() => void> {
    this.#counts.set(app, (this.#counts.get(app) ?? 0) + 1)
    let stopped = false
    const stop = (): void => {
      if (stopped) return
      stopped = true
      this.#release(app)
    }
    try {
      await this.#write([app], this.#lease())
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  #release(app: string): void {
    const left = (this.#counts.get(app) ?? 1) - 1
    if (left > 0) {
      this.#counts.set(app, left)
      return
    }
    this.#counts.delete(app)
    this.#write([app], 0).catch(ignoreLostHint)
  }

  #lease(): number {
    return Math.floor(this.#options.now()) + LASTS_MS
  }

  async #write(apps: readonly string[], until: number): Promise<void> {
    const { lanes, prefix } = this.#options
    await Promise.all(
      Array.from({ length: PARTITIONS }, (_, part) => lanes.run(LISTEN, partitionBase(prefix, part), until, ...apps)),
    )
  }
}

/** Until the lease ends, a node is woken that does not care; or one that cares looks later. */
function ignoreLostHint(): void {}
