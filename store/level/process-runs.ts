/**
 * The runs of the process. A session held in an earlier run was not closed, and counts as closed at the start of the
 * next run. A run is recorded before its first session is opened, and while earlier runs still hold sessions.
 */
import { ValueWriter } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import { Kind, metaKey, numbersRange } from './keys.ts'
import { versioned } from './named-records.ts'

/** The same clock reading may not serve for two runs of which the older one is forgotten: sessions are kept longer then. */
const MOST_STARTS = 1_000
const NUMBER_BYTES = 8
const VERSION = 1

export const RUNS_KEY = metaKey('runs')

interface Start {
  readonly run: number
  readonly at: number
}

export class ProcessRuns {
  /** Oldest first, the current one last. */
  #starts: readonly Start[] = []
  #isWritten = false

  /** Another run begins; it is not written yet. */
  begin(database: Database, now: number): void {
    const bytes = database.get(RUNS_KEY)
    const before = bytes === undefined ? [] : orDamaged(() => decodeStarts(bytes))
    this.#starts = [...before.slice(-MOST_STARTS), { run: (before.at(-1)?.run ?? 0) + 1, at: now }]
    this.#isWritten = false
  }

  get current(): number {
    return this.#starts.at(-1)?.run ?? 0
  }

  /** Sessions of an earlier run may not be written as closed yet. */
  get hasEarlier(): boolean {
    return this.#starts.length > 1
  }

  get isWritten(): boolean {
    return this.#isWritten
  }

  /** When a session that was open at the end of this run was closed. */
  closedAt(run: number): number {
    return this.#starts.find((start) => start.run > run)?.at ?? 0
  }

  /** What to write under `RUNS_KEY`. */
  encode(): Buffer {
    const out = new ValueWriter((2 + 2 * this.#starts.length) * NUMBER_BYTES).byte(VERSION).number(this.#starts.length)
    for (const { run, at } of this.#starts) out.number(run).wide(at)
    return out.done()
  }

  written(): void {
    this.#isWritten = true
  }

  /** No session of an earlier run needs to know when it ended; written with the next session. */
  forgetEarlier(): void {
    this.#starts = this.#starts.slice(-1)
  }

  /** Keys of sessions that earlier runs hold. */
  async heldEarlier(database: Database, most: number): Promise<Buffer[]> {
    return await database.keys(numbersRange(Kind.heldSession, 0, this.current - 1), most)
  }
}

function decodeStarts(bytes: Buffer): Start[] {
  const from = versioned(bytes)
  return Array.from({ length: from.number() }, () => ({ run: from.number(), at: from.wide() }))
}
