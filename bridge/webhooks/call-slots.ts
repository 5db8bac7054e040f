/**
 * Limits the webhook calls in flight in this process, in total and per provider. Providers take turns: one with many or
 * slow receivers waits for its own.
 */
interface Lane {
  running: number
  readonly waiting: (() => void)[]
}

export class CallSlots {
  readonly #most: number
  readonly #mostOfOne: number
  /** In the order of their turns. */
  readonly #lanes = new Map<string, Lane>()
  #running = 0

  constructor(most: number, mostOfOne: number) {
    this.#most = most
    this.#mostOfOne = mostOfOne
  }

  get running(): number {
    return this.#running
  }

  async run<T>(provider: string, work: () => Promise<T>): Promise<T> {
    await this.#start(provider)
    try {
      return await work()
    } finally {
      this.#end(provider)
    }
  }

  #start(provider: string): Promise<void> {
    const lane = this.#lanes.get(provider) ?? { running: 0, waiting: [] }
    this.#lanes.set(provider, lane)
    if (this.#running < this.#most && this.#hasRoom(lane) && lane.waiting.length === 0) {
      this.#take(lane)
      return Promise.resolve()
    }
    return new Promise((resolve) => void lane.waiting.push(resolve))
  }

  #end(provider: string): void {
    this.#running -= 1
    const lane = this.#lanes.get(provider)
    if (lane !== undefined) lane.running -= 1
    this.#next()
    if (lane !== undefined && lane.running === 0 && lane.waiting.length === 0) this.#lanes.delete(provider)
  }

  /** Of those that may: who has the fewest under way, and has waited for a turn longest. */
  #next(): void {
    while (this.#running < this.#most) {
      let chosen: [string, Lane] | undefined
      for (const each of this.#lanes)
        if (each[1].waiting.length > 0 && this.#hasRoom(each[1]) && each[1].running < (chosen?.[1].running ?? Infinity))
          chosen = each
      const start = chosen?.[1].waiting.shift()
      if (chosen === undefined || start === undefined) return
      const [provider, lane] = chosen
      this.#lanes.delete(provider)
      this.#lanes.set(provider, lane)
      this.#take(lane)
      start()
    }
  }

  #hasRoom({ running }: Lane): boolean {
    return running < this.#mostOfOne
  }

  #take(lane: Lane): void {
    lane.running += 1
    this.#running += 1
  }
}
