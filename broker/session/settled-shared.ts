/**
 * What the store knows of messages of shared subscriptions with QoS 2 so that each is delivered once. It is forgotten some time
 * after they are settled: a member whose claim is over may still be about to deliver one, as long as a call of the store takes.
 */
import type { Store, TokenId } from '../../store/contract.ts'

interface SettledMessage {
  readonly group: TokenId
  readonly offset: number
  /** By which the log of the session knows it. */
  readonly uid: string
  /** Of the session that has it. */
  readonly name: string
}

interface SettledSharedOptions {
  readonly store: Pick<Store, 'forgetAssigned' | 'forgetUid'>
  /** How long a call may wait for Redis. */
  readonly callMs: number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

/** At least, and so many times what a call may take. */
const KEPT_MS = 15_000
const CALLS = 3
const LOOKED_AT_MS = 1_000

export class SettledShared {
  readonly #options: SettledSharedOptions
  #settled: { readonly at: number; readonly message: SettledMessage }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: SettledSharedOptions) {
    this.#options = options
  }

  /** Later. What is lost here, the store forgets by itself in a day. */
  forget(message: SettledMessage): void {
    this.#settled.push({ at: this.#options.monotonic(), message })
    this.#timer ??= setInterval(() => this.#look(), LOOKED_AT_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#settled = []
  }

  #look(): void {
    const { store, callMs, monotonic } = this.#options
    const before = monotonic() - Math.max(KEPT_MS, CALLS * callMs)
    const first = this.#settled.findIndex(({ at }) => at > before)
    const due = this.#settled.splice(0, first < 0 ? this.#settled.length : first)
    if (this.#settled.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    for (const { message } of due) {
      store.forgetAssigned(message.group, message.offset).catch(() => undefined)
      store.forgetUid(message.uid, [message.name]).catch(() => undefined)
    }
  }
}
