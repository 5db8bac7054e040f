/** Looks at each session and broadcast log now and then, in case a wake was lost. */
import type { Limits } from '../../common/limits.ts'
import type { Store } from '../../store/contract.ts'

/**
 * Where the store finds out that wakes were lost, each session is read itself only once in so many rechecks: for what no count of
 * wakes shows, such as a Redis that evicts what says who has the session.
 */
const RECHECKS = 60

/** How often each session reads its log. */
export function sessionRoundMs(store: Pick<Store, 'findsLostWakes'>, limits: Pick<Limits, 'sessionRecheckMs'>): number {
  return limits.sessionRecheckMs * (store.findsLostWakes === true ? RECHECKS : 1)
}

/** Goes round all that a map has, a share of it with each tick, so that a round is never a burst. */
export class Round<T> {
  readonly #all: ReadonlyMap<unknown, T>
  #rest: Iterator<T>

  constructor(all: ReadonlyMap<unknown, T>) {
    this.#all = all
    this.#rest = all.values()
  }

  /** All of it in so many ticks. */
  tick(ticks: number, look: (each: T) => void): void {
    const share = Math.ceil(this.#all.size / ticks)
    for (let left = share; left > 0; ) {
      const next = this.#rest.next()
      if (next.done !== true) {
        look(next.value)
        left -= 1
        continue
      }
      this.#rest = this.#all.values()
      // The next round begins with a tick of its own.
      if (left < share) return
    }
  }
}
