/**
 * Waiting for what happens. A deadline here is never the thing that is tested: it only turns a hang into a failure that
 * names what was awaited.
 */
import { setTimeout as pause } from 'node:timers/promises'

/** Long enough for a machine that does several things at once. */
export const DEADLINE_MS = 30_000

const POLL_MS = 10

/** The result of `work`, or a failure that names it. */
export async function within<T>(what: string, work: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks at an observable state until `check` gives something true, and returns that. A throw counts as not yet. */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const result = await check()
      if (result !== false && result !== null && result !== undefined) return result as NonNullable<Exclude<T, false>>
      last = result
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${deadlineMs} ms, the last look gave ${String(last)}`, { cause: last })
    }
    await pause(POLL_MS)
  }
}

/** Things that arrive, in order, for a reader that awaits them. */
export class ArrivalQueue<T> {
  /** Everything that ever arrived. */
  readonly received: T[] = []
  #waiting: T[] = []
  #readers: { resolve: (item: T) => void; reject: (reason: Error) => void }[] = []
  #end: Error | undefined
  readonly #what: string

  constructor(what: string) {
    this.#what = what
  }

  push(item: T): void {
    this.received.push(item)
    const reader = this.#readers.shift()
    if (reader === undefined) this.#waiting.push(item)
    else reader.resolve(item)
  }

  /** Nothing more will come: who waits fails now, and later readers fail once the queue is empty. */
  end(reason: Error): void {
    this.#end ??= reason
    for (const { reject } of this.#readers.splice(0)) reject(reason)
  }

  /** Arrived and not read yet. */
  get pending(): readonly T[] {
    return this.#waiting
  }

  /** Takes everything that is waiting. */
  takeAll(): T[] {
    return this.#waiting.splice(0)
  }

  /** The next one to arrive, or that has arrived and was not read. */
  next(deadlineMs = DEADLINE_MS): Promise<T> {
    const first = this.#waiting.shift()
    if (first !== undefined) return Promise.resolve(first)
    if (this.#end !== undefined) return Promise.reject(this.#end)
    const arrival = new Promise<T>((resolve, reject) => this.#readers.push({ resolve, reject }))
    return within(`${this.#what} (after ${this.received.length})`, arrival, deadlineMs)
  }

  async nextN(count: number, deadlineMs = DEADLINE_MS): Promise<T[]> {
    const items: T[] = []
    while (items.length < count) items.push(await this.next(deadlineMs))
    return items
  }

  /** Reads on until one fits; those before it are dropped from the queue, not from `received`. */
  async nextWhere(fits: (item: T) => boolean, deadlineMs = DEADLINE_MS): Promise<T> {
    for (;;) {
      const item = await this.next(deadlineMs)
      if (fits(item)) return item
    }
  }
}
