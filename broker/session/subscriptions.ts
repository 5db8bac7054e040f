/** The subscriptions of one device, in the order they were made. Most have two, for which a map would take 180 bytes. */
import type { Subscription } from './session-state.ts'

export class Subscriptions {
  #first: Subscription | undefined
  #second: Subscription | undefined
  /** All of them, by filter, once there were more than two. */
  #many: Map<string, Subscription> | undefined

  get size(): number {
    return this.#many?.size ?? (this.#first === undefined ? 0 : 1) + (this.#second === undefined ? 0 : 1)
  }

  get(filter: string): Subscription | undefined {
    if (this.#many !== undefined) return this.#many.get(filter)
    if (this.#first?.filter === filter) return this.#first
    return this.#second?.filter === filter ? this.#second : undefined
  }

  set(subscription: Subscription): void {
    const { filter } = subscription
    if (this.#many !== undefined) this.#many.set(filter, subscription)
    else if (this.#first === undefined || this.#first.filter === filter) this.#first = subscription
    else if (this.#second === undefined || this.#second.filter === filter) this.#second = subscription
    else {
      this.#many = new Map([...this.all(), subscription].map((each) => [each.filter, each]))
      this.#first = undefined
      this.#second = undefined
    }
  }

  /** False if it was not there. */
  delete(filter: string): boolean {
    if (this.#many !== undefined) return this.#many.delete(filter)
    if (this.get(filter) === undefined) return false
    if (this.#first?.filter === filter) this.#first = this.#second
    this.#second = undefined
    return true
  }

  all(): Subscription[] {
    if (this.#many !== undefined) return [...this.#many.values()]
    return [this.#first, this.#second].filter((each) => each !== undefined)
  }
}
