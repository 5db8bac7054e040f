/**
 * Keeps the table of subscriptions of this node current without a question for each message, while it publishes often: see
 * `SubscriptionLease`.
 */
import type { SubscriptionLease } from '../../store/contract.ts'
import type { SubscriptionFollower } from './subscription-follower.ts'

interface TableLeaseOptions {
  readonly lease: SubscriptionLease
  readonly follower: Pick<SubscriptionFollower, 'catchUp' | 'offset'>
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** It is worth a lease if two messages come within this time, ms; and it is tried again after so long if it failed. */
const OFTEN_MS = 1_000

export class TableLease {
  readonly #options: TableLeaseOptions
  #askedAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  #renewing = false
  /** Nodes that wait until this one has read what they changed. */
  #waiting = new Set<string>()
  #isConfirming = false

  constructor(options: TableLeaseOptions) {
    this.#options = options
  }

  /** For a message that is published now: whether the table need not be compared with the store. */
  isCurrent(): boolean {
    const { lease, monotonic } = this.#options
    const { isHeld } = lease
    if (lease.isAging) {
      const now = monotonic()
      const isOften = isHeld || now - this.#askedAt < OFTEN_MS
      this.#askedAt = now
      if (isOften && !this.#renewing && now - this.#failedAt >= OFTEN_MS) this.#renew()
    }
    return isHeld
  }

  #renew(): void {
    const { lease, follower, monotonic } = this.#options
    this.#renewing = true
    lease
      .renew((end) => follower.catchUp(end))
      // Each message asks meanwhile.
      .catch(() => (this.#failedAt = monotonic()))
      .finally(() => (this.#renewing = false))
  }

  /** A node has changed subscriptions, and these are read. */
  read(by: string): void {
    this.#waiting.add(by)
    if (this.#isConfirming) return
    this.#isConfirming = true
    this.#confirm()
      // They wait until the lease is over.
      .catch(() => this.#waiting.clear())
      .finally(() => (this.#isConfirming = false))
  }

  async #confirm(): Promise<void> {
    const { lease, follower } = this.#options
    while (this.#waiting.size > 0) {
      const nodes = [...this.#waiting]
      this.#waiting = new Set()
      await lease.confirm(follower.offset, nodes)
    }
  }
}
