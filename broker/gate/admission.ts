/** How many connections there are, in all and from one address. */
import type { Limits } from '../../common/limits.ts'
import { PushError } from '../../errors.ts'
import type { SharedCount } from '../../common/tally.ts'

export type AdmissionLimits = Pick<Limits, 'connections' | 'connectionsPerAddress'>

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
      this.#count += change
      if (key !== '') this.#add(key, change)
    })
  }

  /**
   * Counts a connection until the result is called, once or more often. Without an address it counts for all only.
   * @throws PushError CONNECTIONS_LIMIT, ADDRESS_CONNECTIONS_LIMIT
   */
  hold(address: string | undefined): () => void {
    const { connections, connectionsPerAddress } = this.#limits
    if (this.#count >= connections) throw new PushError('CONNECTIONS_LIMIT')
    const key = connectionsPerAddress === 0 || address === undefined ? undefined : networkOf(address)
    if (key !== undefined) {
      const already = this.#byAddress.get(key) ?? 0
      if (already >= connectionsPerAddress) throw new PushError('ADDRESS_CONNECTIONS_LIMIT')
      this.#add(key, 1)
    }
    this.#count += 1
    this.#shared?.tell(key ?? '', 1)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#count -= 1
      if (key !== undefined) this.#add(key, -1)
      this.#shared?.tell(key ?? '', -1)
    }
  }

  #add(key: string, change: number): void {
    const count = (this.#byAddress.get(key) ?? 0) + change
    if (count === 0) this.#byAddress.delete(key)
    else this.#byAddress.set(key, count)
  }
}

/** One customer of a provider has a whole IPv6 network of 64 bits, so that is what counts as an address. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  return groups.slice(0, 4).join(':')
}
