/**
 * Each node reports regularly that it is alive, so that others can close the sessions of a dead node. A node is dead
 * after ten minutes of silence; one that was only cut off finds its sessions closed when it is back.
 */
import { nodesBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { asNumber, asText, BEAT, COUNT_NODES, FORGET_NODES } from './steps.ts'

interface NodesOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly now: () => number
  /** Others may have taken this node for dead. */
  readonly wasSilent: () => void
}

const BEAT_MS = 60 * 1000
const SILENT_MS = 10 * 60 * 1000
/** What a node opened after its last beat is not yet of an age to be closed when the node is first found dead. */
const FORGOTTEN_AFTER_MS = 2 * BEAT_MS

export class Nodes {
  readonly #options: NodesOptions
  readonly #base: string
  #hasBeaten = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: NodesOptions) {
    this.#options = options
    this.#base = nodesBase(options.prefix)
  }

  start(): void {
    // Redis is unavailable, which everybody hears from their own calls; the next beat tells.
    this.#timer = setInterval(() => void this.beat().catch(() => undefined), BEAT_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Sessions that were opened before this time have outlived a node that was not heard of since. */
  silentSince(): number {
    return Math.max(0, Math.floor(this.#options.now()) - SILENT_MS)
  }

  /** This node lives; gives those that are dead. */
  async beat(): Promise<readonly string[]> {
    const [wasHeardOf, ...dead] = await this.#options.lanes.run(BEAT, this.#base, this.silentSince())
    if (this.#hasBeaten && wasHeardOf !== true) this.#options.wasSilent()
    this.#hasBeaten = true
    return dead.map(asText)
  }

  /** That have beaten lately. */
  async count(): Promise<number> {
    const since = Math.max(0, Math.floor(this.#options.now()) - FORGOTTEN_AFTER_MS)
    const [count] = await this.#options.lanes.run(COUNT_NODES, this.#base, since)
    // This one may just be starting.
    return Math.max(1, asNumber(count))
  }

  /** Nothing is left of what they held. One that is heard of meanwhile stays. */
  async forget(dead: readonly string[]): Promise<void> {
    const before = Math.max(0, this.silentSince() - FORGOTTEN_AFTER_MS)
    if (dead.length > 0) await this.#options.lanes.run(FORGET_NODES, this.#base, before, ...dead)
  }
}
