/**
 * Token ids whose private logs this node follows without a session. Redis keeps a few following nodes for a token id,
 * each until a time, so that a node that died leaves nothing behind; a long follow is renewed.
 */
import type { TokenId } from '../contract.ts'
import type { Lanes } from './lanes.ts'
import { FOLLOW } from './steps.ts'
import { locate } from './token.ts'

const LASTS_MS = 10 * 60 * 1000
const RENEWED_MS = 4 * 60 * 1000

interface FollowOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly now: () => number
}

export class Follows {
  readonly #options: FollowOptions
  readonly #counts = new Map<TokenId, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: FollowOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.renew().catch(ignoreLostHint), RENEWED_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async renew(): Promise<void> {
    await Promise.all([...this.#counts.keys()].map((tokenId) => this.#renew(tokenId)))
  }

  async follow(tokenId: TokenId): Promise<() => void> {
    this.#counts.set(tokenId, (this.#counts.get(tokenId) ?? 0) + 1)
    let stopped = false
    const stop = (): void => {
      if (stopped) return
      stopped = true
      this.#release(tokenId)
    }
    try {
      await this.#renew(tokenId)
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  #release(tokenId: TokenId): void {
    const left = (this.#counts.get(tokenId) ?? 1) - 1
    if (left > 0) {
      this.#counts.set(tokenId, left)
      return
    }
    this.#counts.delete(tokenId)
    this.#write(tokenId, 0).catch(ignoreLostHint)
  }

  #renew(tokenId: TokenId): Promise<unknown> {
    return this.#write(tokenId, Math.floor(this.#options.now()) + LASTS_MS)
  }

  async #write(tokenId: TokenId, until: number): Promise<void> {
    const { base, id } = locate(this.#options.prefix, tokenId)
    await this.#options.lanes.run(FOLLOW, base, id, until)
  }
}

/** Until it lapses, a node is woken that does not care; or one that cares looks later. */
function ignoreLostHint(): void {}
