/** The delivery row of a webhook, as the node has it that delivers: every change is made only where nobody else made one. */
import type { Store } from '../../store/contract.ts'
import { decodeDelivery, DELIVERIES_TABLE, type Delivery, encodeDelivery, NO_DELIVERY } from './delivery-row.ts'
import type { Members } from './members.ts'

interface HeldContext {
  readonly store: Pick<Store, 'readRow' | 'writeRow'>
  readonly members: Pick<Members, 'id' | 'isGone'>
}

/** Another node has taken the webhook over. */
export class TakenOver extends Error {
  override readonly name = 'TakenOver'
}

export class HeldDelivery {
  readonly #context: HeldContext
  readonly #id: string
  #version: number
  #delivery: Delivery

  private constructor(context: HeldContext, id: string, version: number, delivery: Delivery) {
    this.#context = context
    this.#id = id
    this.#version = version
    this.#delivery = delivery
  }

  /** Undefined: another node holds it, or was faster. @throws STORE_UNAVAILABLE */
  static async take(context: HeldContext, id: string): Promise<HeldDelivery | undefined> {
    const { store, members } = context
    const row = await store.readRow(DELIVERIES_TABLE, id)
    // What cannot be read is of a later version; what it had under way is made again.
    const delivery = (row && decodeDelivery(row.value)) ?? NO_DELIVERY
    const { owner } = delivery
    const held = new HeldDelivery(context, id, row?.version ?? 0, delivery)
    if (owner === members.id) return held
    if (owner !== '' && !members.isGone(owner)) return undefined
    try {
      await held.write({ owner: members.id })
      return held
    } catch (error) {
      if (error instanceof TakenOver) return undefined
      throw error
    }
  }

  get delivery(): Delivery {
    return this.#delivery
  }

  /** What is absent stays. After an error nobody knows what is there: it is to be taken again. @throws TakenOver, STORE_UNAVAILABLE */
  async write(change: { readonly [N in keyof Delivery]?: Delivery[N] | undefined }): Promise<void> {
    const merged = Object.entries({ ...this.#delivery, ...change }).filter(([, value]) => value !== undefined)
    const delivery = { ...NO_DELIVERY, ...Object.fromEntries(merged) }
    const value = encodeDelivery(delivery)
    const write = { table: DELIVERIES_TABLE, key: this.#id, value, expected: this.#version }
    const version = await this.#context.store.writeRow(write)
    if (version === undefined) throw new TakenOver('another node delivers this webhook')
    this.#version = version
    this.#delivery = delivery
  }
}

/** For whoever is asked how it goes. @throws STORE_UNAVAILABLE */
export async function readDelivery(store: Pick<Store, 'readRow'>, id: string): Promise<Delivery> {
  const row = await store.readRow(DELIVERIES_TABLE, id)
  return (row && decodeDelivery(row.value)) ?? NO_DELIVERY
}
