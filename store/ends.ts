/** A queue of expiries, earliest first: checking whether something has expired costs the same however much there is. */
interface End {
  readonly at: number
  readonly key: string
}

export class Ends {
  /** A binary heap: no entry is before its parent, which is at half its index. */
  readonly #heap: End[] = []

  /** `Infinity` is never. A key may be added again; each of its times is reported. */
  add(key: string, at: number): void {
    if (at === Infinity) return
    const heap = this.#heap
    let place = heap.push({ at, key }) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#swapIfEarlier(place, parent)) return
      place = parent
    }
  }

  /** Removes those that have ended by then. */
  *take(now: number): IterableIterator<string> {
    for (let [first] = this.#heap; first !== undefined && first.at <= now; [first] = this.#heap) {
      this.#removeFirst()
      yield first.key
    }
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let place = 0; ; ) {
      const child = this.#earlierOf(2 * place + 1, 2 * place + 2)
      if (!this.#swapIfEarlier(child, place)) return
      place = child
    }
  }

  #earlierOf(one: number, other: number): number {
    return (this.#heap[other]?.at ?? Infinity) < (this.#heap[one]?.at ?? Infinity) ? other : one
  }

  #swapIfEarlier(place: number, parent: number): boolean {
    const [lower, upper] = [this.#heap[place], this.#heap[parent]]
    if (lower === undefined || upper === undefined || lower.at >= upper.at) return false
    this.#heap[place] = upper
    this.#heap[parent] = lower
    return true
  }
}
