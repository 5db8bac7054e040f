/** Limits the number of connections, in total and per address. */
import type { Limits } from '../../common/limits.ts'
import { networkOf } from '../../common/networks.ts'
import { PushError } from '../../errors.ts'
import type { SharedCount } from '../../common/tally.ts'

export type AdmissionLimits = Pick<Limits, 'connections' | 'connectionsPerAddress'>

/** Before an address, between processes: it does not count among all. */
const ADDRESS_ALONE = '+'

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #byAddress = new Map<string, number>()
  #count = 0
  readonly #shared: SharedCount | undefined

  /** `shared` is what other processes count too. */
  constructor(limits: AdmissionLimits, shared?: SharedCount) {
    this.#limits = limits
    this.#shared = shared
    shared?.hear((key, change) => {
      const isAlone = key.startsWith(ADDRESS_ALONE)
      if (!isAlone) this.#count += change
      const address = isAlone ? key.slice(ADDRESS_ALONE.length) : key
      if (address !== '') this.#add(address, change)
    })
  }

  /**
   * Counts a connection until `leave` is called with the same address. Without an address it counts for all only.
   * @throws PushError CONNECTIONS_LIMIT, ADDRESS_CONNECTIONS_LIMIT
   */
  enter(address: string | undefined): void {
    const { connections } = this.#limits
    if (this.#count >= connections) throw new PushError('CONNECTIONS_LIMIT')
    const key = this.#keyOf(address)
    this.#check(key)
    this.#change(key, 1, 1)
  }

  /** Once for each `enter`. */
  leave(address: string | undefined): void {
    this.#change(this.#keyOf(address), 1, -1)
  }

  /** As `enter`, until the result is called, once or more often. */
  hold(address: string | undefined): () => void {
    this.enter(address)
    return once(() => this.leave(address))
  }

  /**
   * Counts a request from a proxy for its client, which is only known now; its connection already counts in the total.
   * @throws PushError ADDRESS_CONNECTIONS_LIMIT
   */
  holdAddress(address: string): () => void {
    const key = this.#keyOf(address)
    this.#check(key)
    this.#change(key, 0, 1)
    return once(() => this.#change(key, 0, -1))
  }

  #keyOf(address: string | undefined): string | undefined {
    return this.#limits.connectionsPerAddress === 0 || address === undefined ? undefined : networkOf(address)
  }

  #check(key: string | undefined): void {
    const already = key === undefined ? 0 : (this.#byAddress.get(key) ?? 0)
    if (key !== undefined && already >= this.#limits.connectionsPerAddress)
      throw new PushError('ADDRESS_CONNECTIONS_LIMIT')
  }

  #change(key: string | undefined, inAll: 0 | 1, change: 1 | -1): void {
    this.#count += inAll * change
    if (key !== undefined) this.#add(key, change)
    if (inAll === 1) this.#shared?.tell(key ?? '', change)
    else if (key !== undefined) this.#shared?.tell(`${ADDRESS_ALONE}${key}`, change)
  }

  #add(key: string, change: number): void {
    const count = (this.#byAddress.get(key) ?? 0) + change
    if (count === 0) this.#byAddress.delete(key)
    else this.#byAddress.set(key, count)
  }
}

function once(release: () => void): () => void {
  let held = true
  return () => {
    if (held) release()
    held = false
  }
}
