/** Which offset a message of an exported log has in the importing one. */
export class OffsetMap {
  readonly #from: number[] = []
  readonly #to: number[] = []
  #lowest = 0

  /** In the order of the exported offsets. */
  add(from: number, to: number): void {
    this.#from.push(from)
    this.#to.push(to)
  }

  /** No cursor is before this one. */
  skipTo(offset: number): void {
    this.#lowest = Math.max(this.#lowest, offset)
  }

  /** Of this very message; undefined if it is not there. */
  exactly(offset: number): number | undefined {
    const index = this.#from.indexOf(offset)
    return index < 0 ? undefined : this.#to[index]
  }

  /** The cursor that has the same messages before it and after it; undefined if there is no message. */
  given(cursor: number): number | undefined {
    const [first] = this.#to
    if (first === undefined) return undefined
    let low = 0
    let high = this.#from.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#from[middle] ?? 0) <= cursor) low = middle + 1
      else high = middle
    }
    return Math.max(this.#lowest, low === 0 ? first - 1 : (this.#to[low - 1] ?? 0))
  }
}
