/** Selects the address that a bridge connects to. */
import type { BridgeAddress, BridgeOptions } from '../conf/bridge-options.ts'

/** Between two looks at whether the first address can be reached again, ms: longer each time that it was of no use. */
const FIRST_LOOK_MS = 5_000
const LONGEST_LOOK_MS = 300_000

export class Addresses {
  readonly #all: readonly BridgeAddress[]
  readonly #isRoundRobin: boolean
  #at = 0
  #lookMs = FIRST_LOOK_MS
  /** It was chosen again because it could be reached. */
  #wasFound = false

  constructor({ addresses, roundRobin }: Pick<BridgeOptions, 'addresses' | 'roundRobin'>) {
    this.#all = addresses
    this.#isRoundRobin = roundRobin
  }

  get present(): BridgeAddress {
    const address = this.#all[this.#at]
    if (address === undefined) throw new Error('it has no address')
    return address
  }

  /** No connection came of it, or it was lost: the next one. */
  failed(): void {
    if (this.#wasFound) this.#lookMs = Math.min(LONGEST_LOOK_MS, this.#lookMs * 2)
    this.#wasFound = false
    this.#at = (this.#at + 1) % this.#all.length
  }

  connected(): void {
    if (this.#at === 0) this.#lookMs = FIRST_LOOK_MS
    this.#wasFound = false
  }

  /** The first one, where that is the main one and another one is in use, and after how long it is to be looked at, ms. */
  get main(): { readonly address: BridgeAddress; readonly everyMs: number } | undefined {
    const [address] = this.#all
    if (this.#isRoundRobin || this.#at === 0 || address === undefined) return undefined
    return { address, everyMs: this.#lookMs }
  }

  /** The first one can be reached. */
  mainFound(): void {
    this.#at = 0
    this.#wasFound = true
  }
}
