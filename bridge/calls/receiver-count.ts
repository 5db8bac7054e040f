/** The receivers of one message, counted in the quotas of the key that sends it. */
import type { QuotaLeases } from '../../store/quota-leases.ts'
import type { Provider } from '../../topics/index.ts'

export class ReceiverCount {
  readonly #quotas: QuotaLeases
  readonly #provider: Provider
  readonly #since: number
  #counted = 0

  constructor(quotas: QuotaLeases, provider: Provider, now: number) {
    this.#quotas = quotas
    this.#provider = provider
    this.#since = now
  }

  /** Before anything is sent. @throws QUOTA_EXCEEDED, STORE_UNAVAILABLE */
  async admit(receivers: number): Promise<void> {
    await this.#quotas.take(this.#provider, receivers)
    this.#counted = receivers
  }

  /** So many have it, and no others. */
  settle(accepted: number): void {
    if (this.#counted > accepted) this.#quotas.giveBack(this.#provider, this.#counted - accepted, this.#since)
  }
}
