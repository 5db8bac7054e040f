/**
 * Steps that go to many parts of an upstream log at once. The steps of one call travel together; concurrent calls take
 * turns, so that opening a few hundred readers at once does not fill the lanes.
 */
interface Waiting {
  readonly steps: number
  readonly start: () => void
}

/** Of all calls that are under way. One call that has more goes alone. */
const STEPS_UNDER_WAY = 4_096

export class WholeLog {
  #underWay = 0
  readonly #waiting: Waiting[] = []

  /** Begins in the order of the calls. `work` makes so many steps. */
  async run<T>(steps: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoom(steps)) {
      await new Promise<void>((start) => this.#waiting.push({ steps, start }))
    } else this.#underWay += steps
    try {
      return await work()
    } finally {
      this.#underWay -= steps
      this.#startNext()
    }
  }

  #hasRoom(steps: number): boolean {
    return this.#underWay === 0 || this.#underWay + steps <= STEPS_UNDER_WAY
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.steps); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#underWay += next.steps
      next.start()
    }
  }
}
