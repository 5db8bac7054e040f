/** How many in this process listen to a log, or follow a token id. */
export class Listening {
  readonly #counts = new Map<string, number>()

  has(name: string): boolean {
    return this.#counts.has(name)
  }

  /** Returns how to stop. */
  add(name: string): () => void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const rest = (this.#counts.get(name) ?? 0) - 1
      if (rest > 0) this.#counts.set(name, rest)
      else this.#counts.delete(name)
    }
  }
}
