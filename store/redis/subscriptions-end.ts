/**
 * Where the log of subscription changes ends. A message to a general topic asks for it where its node has no lease
 * (subscription-lease.ts), so it is cheap: a plain GET of its record costs Redis a tenth of a script that does nothing. Where a
 * batch is on its way anyway, the question goes with it.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Client } from './connection.ts'
import { subscriptionsKey } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { unpackAll } from './pack.ts'
import { unavailable } from './script.ts'
import { asNumber, SUBSCRIPTIONS_END } from './steps.ts'

export type LookClient = Pick<Client, 'getBuffer'>

interface SubscriptionsEndOptions {
  readonly lanes: Pick<Lanes, 'run' | 'isIdle'>
  readonly client: LookClient
  readonly base: string
  readonly deadlineMs: number
}

/** Of the record (lua/subscriptions.lua): version, run, the highest offset that was given, ... */
const LAST = 2

export class SubscriptionsEnd {
  readonly #options: SubscriptionsEndOptions
  readonly #key: string
  /** Not asked yet: it answers all who want to know until it is. */
  #next: Promise<number> | undefined
  #underWay: Promise<void> | undefined

  constructor(options: SubscriptionsEndOptions) {
    this.#options = options
    this.#key = subscriptionsKey(options.base)
  }

  /** As it is after this call. One question at a time. @throws STORE_UNAVAILABLE */
  look(): Promise<number> {
    this.#next ??= this.#look()
    return this.#next
  }

  async #look(): Promise<number> {
    if (this.#underWay !== undefined) await this.#underWay
    // What else this turn of the event loop brings is answered by it as well, or takes it along.
    await turn()
    this.#next = undefined
    const { lanes, base } = this.#options
    const end = lanes.isIdle(base) ? this.#get() : this.#ask()
    const over = (): void => {
      if (this.#underWay === underWay) this.#underWay = undefined
    }
    const underWay = end.then(over, over)
    this.#underWay = underWay
    return await end
  }

  async #get(): Promise<number> {
    const { client, deadlineMs } = this.#options
    const since = performance.now()
    let record: Buffer | null
    try {
      record = await client.getBuffer(this.#key)
    } catch (error) {
      if (performance.now() - since >= deadlineMs) throw unavailable(`no answer within ${deadlineMs} ms`, error)
      // Lanes know for how long it is worth to try again.
      return await this.#ask()
    }
    return record === null ? 0 : asNumber(unpackAll(record)[LAST])
  }

  async #ask(): Promise<number> {
    const { lanes, base } = this.#options
    return asNumber((await lanes.run(SUBSCRIPTIONS_END, base))[0])
  }
}
