/** Limits how many are in flight; the others wait their turn. */
import { PushError } from '../errors.ts'

export interface Window {
  /**
   * Resolves when there is room, with how to leave. Rejects with `late` when there was none in time.
   * @throws RATE_LIMITED when too many wait already
   */
  enter(timeoutMs: number, late: Error): Promise<() => void>
  /** Rejects all who wait. */
  close(error: Error): void
}

interface Waiting {
  readonly admit: () => void
  readonly refuse: (error: Error) => void
}

const MOST_WAITING = 10_000

export function createWindow(size: number): Window {
  const waiting = new Set<Waiting>()
  let inside = 0

  function leave(): void {
    const [next] = waiting
    if (next === undefined) inside--
    else next.admit()
  }

  return {
    enter(timeoutMs, late) {
      if (inside < size) {
        inside++
        return Promise.resolve(leave)
      }
      if (waiting.size >= MOST_WAITING) return Promise.reject(new PushError('RATE_LIMITED'))
      return new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer)
          waiting.delete(one)
        }
        const one: Waiting = {
          admit() {
            end()
            resolve(leave)
          },
          refuse(error) {
            end()
            reject(error)
          },
        }
        const timer = setTimeout(() => one.refuse(late), timeoutMs)
        waiting.add(one)
      })
    },
    close(error) {
      for (const one of waiting) one.refuse(error)
    },
  }
}
