/** The partition of a name: everything of it is there, except its subscriptions. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { partitionBase } from './keys.ts'

/** The first arguments of the steps of a name, see `lua/named.lua`. */
export type Place = readonly [base: string, field: string | Buffer, name: string | false]

const FIELD_BYTES = 64
/** In no UTF-8, so that no name is the field of another. */
const LONG = Buffer.from([0xff])
const PLACES = 20_000
/** A name is at most 70,000 characters. */
const CHARACTERS = 2_000_000

export class Names {
  readonly #prefix: string
  readonly #places = new LRUCache<string, Place>({
    max: PLACES,
    maxSize: CHARACTERS,
    sizeCalculation: (_, name) => name.length + 1,
  })

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  placeOf(name: string): Place {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    const hash = createHash('sha256').update(name).digest()
    const base = partitionBase(this.#prefix, hash.readUInt8(0))
    const isLong = Buffer.byteLength(name) > FIELD_BYTES
    const place: Place = isLong ? [base, Buffer.concat([LONG, hash]), name] : [base, name, false]
    this.#places.set(name, place)
    return place
  }
}
