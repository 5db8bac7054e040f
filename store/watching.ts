/** How watchers are told. */
import type { StoreObserver, Watcher } from './contract.ts'

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
