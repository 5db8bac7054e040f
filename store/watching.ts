/** How watchers are told. */
import type { End, LogName, StoreObserver, Watcher } from './contract.ts'

export type Told = (watcher: Watcher) => void

/** Watchers must not throw; what one throws all the same keeps nothing from the others. */
export function tellAll(watchers: Iterable<Watcher>, told: readonly Told[], observer: StoreObserver | undefined): void {
  for (const tell of told) {
    for (const watcher of watchers) {
      try {
        tell(watcher)
      } catch (error) {
        observer?.watcherFailed?.(error)
      }
    }
  }
}

/** What the engine counts of messages that ended. */
export function tellEnded(observer: StoreObserver | undefined, log: LogName, state: End, count: number): void {
  if (observer === undefined || count === 0) return
  if (state === 'expired') observer.expired(log, count)
  else if (state === 'dropped') observer.dropped(log, count)
  // Sessions count what they send with QoS 0.
  else if (state !== 'sent') observer.ended?.(log, state, count)
}
