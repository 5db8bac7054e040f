/**
 * Maps packet ids to the other broker: the same ids plus a constant, so that a message that is sent again has the same
 * packet id without remembering anything.
 */
const IDS = 65_535

export class PacketIds {
  readonly #by: number
  #last = 0

  constructor(by = 0) {
    this.#by = by
  }

  there(id: number): number {
    return moved(id, this.#by)
  }

  here(id: number): number {
    return moved(id, -this.#by)
  }

  used(there: number): void {
    this.#last = Math.max(this.#last, there)
  }

  /** For a request: the next one that is neither a message's nor another request's. */
  next(isTaken: (id: number) => boolean): number {
    do this.#last = (this.#last % IDS) + 1
    while (isTaken(this.#last))
    return this.#last
  }
}

function moved(id: number, by: number): number {
  return ((((id - 1 + by) % IDS) + IDS) % IDS) + 1
}
