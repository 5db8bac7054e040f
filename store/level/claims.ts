/**
 * The claims of members of shared readers. They are in memory, because the members belong to this process and end with
 * it. What they settled is in the record of the reader.
 */
import type { Claim, LogEntry, LogSlice } from '../contract.ts'

interface Held {
  readonly member: string
  until: number
  /** It is being written that it is settled. */
  isSettling: boolean
}

/** Of all readers. */
export class Claims {
  readonly #readers = new Map<string, ReaderClaims>()

  of(app: string, reader: string): ReaderClaims {
    const name = nameOf(app, reader)
    const known = this.#readers.get(name) ?? new ReaderClaims()
    this.#readers.set(name, known)
    return known
  }

  known(app: string, reader: string): ReaderClaims | undefined {
    return this.#readers.get(nameOf(app, reader))
  }

  forget(app: string, reader: string): void {
    this.#readers.delete(nameOf(app, reader))
  }

  clear(): void {
    this.#readers.clear()
  }
}

/** An app has no `/`, and the name of an event log begins with one. */
function nameOf(app: string, reader: string): string {
  return `${app}/${reader}`
}

/** Of one reader. What looks at the log, and what frees or forgets claims, take turns. */
export class ReaderClaims {
  readonly #held = new Map<number, Held>()
  /** Everything beyond the cursor up to here is claimed or settled. */
  #takenTo = 0
  #turn: Promise<unknown> = Promise.resolve()

  /** `read` gives what is free after an offset. */
  take<E extends LogEntry>(
    { member, until, had }: Pick<Claim, 'member' | 'until'> & { had: Claim['had'] | undefined },
    now: number,
    read: (after: number, isHeld: (offset: number) => boolean) => Promise<LogSlice<E>>,
  ): Promise<LogSlice<E>> {
    return this.#inTurn(async () => {
      this.#free((held) => held.until <= now)
      if (had !== undefined) this.#free((held, offset) => held.member === member && !had.includes(offset))
      const slice = await read(this.#takenTo, (offset) => this.#held.has(offset))
      for (const { offset } of slice.entries) this.#held.set(offset, { member, until, isSettling: false })
      this.#takenTo = slice.readTo
      return slice
    })
  }

  renew(member: string, until: number, now: number): Promise<void> {
    return this.#inTurn(() => {
      for (const held of this.#held.values()) if (held.member === member && held.until > now) held.until = until
    })
  }

  /** False: nothing was held. */
  release(member: string): Promise<boolean> {
    return this.#inTurn(() => this.#free((held) => held.member === member))
  }

  isOf(member: string, offset: number, now: number): boolean {
    const held = this.#held.get(offset)
    return held !== undefined && held.member === member && held.until > now && !held.isSettling
  }

  /** Those of the offsets that this member holds; they stay held while they are settled. */
  settling(member: string, offsets: readonly number[], now: number): number[] {
    return offsets.filter((offset) => {
      const held = this.#held.get(offset)
      if (held === undefined || held.isSettling || held.member !== member || held.until <= now) return false
      held.isSettling = true
      return true
    })
  }

  settled(offsets: readonly number[]): Promise<void> {
    return this.#inTurn(() => {
      for (const offset of offsets) this.#held.delete(offset)
    })
  }

  /** It could not be written: they are held as before. */
  unsettled(offsets: readonly number[]): void {
    for (const offset of offsets) {
      const held = this.#held.get(offset)
      if (held !== undefined) held.isSettling = false
    }
  }

  #free(which: (held: Held, offset: number) => boolean): boolean {
    const before = this.#held.size
    for (const [offset, held] of this.#held) {
      if (held.isSettling || !which(held, offset)) continue
      this.#held.delete(offset)
      this.#takenTo = Math.min(this.#takenTo, offset - 1)
    }
    return this.#held.size < before
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
