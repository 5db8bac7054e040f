/** What a receiver has taken, and whether that is right: nothing lost, in order, the same bytes under the same id. */
import type { Test } from 'tap'
import type { Call } from './receiver.ts'

export class Ledger {
  readonly #texts = new Map<string, string>()
  /** Of each event, the id of the call that brought it. */
  readonly #broughtBy = new Map<string, string>()
  /** Of each device, what has come in the order in which it came first. */
  readonly #byDevice = new Map<string, string[]>()
  readonly wrong: string[] = []
  calls = 0
  repeated = 0

  /** Whether it is new. */
  take({ id, text, events, missed }: Call): void {
    this.calls += 1
    const known = this.#texts.get(id)
    if (known !== undefined) {
      this.repeated += 1
      if (known !== text) this.wrong.push(`${id} came with other bytes`)
      return
    }
    this.#texts.set(id, text)
    if (events.length > 100) this.wrong.push(`${id} has ${events.length} events`)
    if (missed > 0) this.wrong.push(`${id} misses ${missed}`)
    for (const { eventId, id: messageId, tokenId = '' } of events) {
      const before = this.#broughtBy.get(eventId)
      if (before !== undefined) this.wrong.push(`${eventId} came with ${before} and with ${id}`)
      this.#broughtBy.set(eventId, id)
      this.#byDevice.set(tokenId, [...(this.#byDevice.get(tokenId) ?? []), messageId])
    }
  }

  get events(): number {
    return this.#broughtBy.size
  }

  /** @param sent by token id, in order */
  check(t: Test, sent: ReadonlyMap<string, readonly string[]>): void {
    t.same(this.wrong, [])
    for (const [tokenId, ids] of sent) t.same(this.#byDevice.get(tokenId), ids, 'all of it, in order')
    t.equal(this.#byDevice.size, sent.size)
  }
}
