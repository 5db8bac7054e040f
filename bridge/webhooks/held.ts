/**
 * The delivery row of a webhook on the node that delivers: every change is conditional on nobody else having changed
 * it.
 */
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
    // A row that cannot be read is from a later version; its batch in flight is created again.
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

  /**
   * Absent fields stay unchanged. After an error the state is unknown, and the row must be taken again. @throws
   * TakenOver, STORE_UNAVAILABLE
   */
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

/** For status requests. @throws STORE_UNAVAILABLE */
export async function readDelivery(store: Pick<Store, 'readRow'>, id: string): Promise<Delivery> {
  const row = await store.readRow(DELIVERIES_TABLE, id)
  return (row && decodeDelivery(row.value)) ?? NO_DELIVERY
}
