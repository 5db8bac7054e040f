/**
 * One synced batch at a time: what is asked for while a batch is being written goes together into the next. A sync
 * costs the same for one call as for a hundred.
 */
import type { BatchOperation, ClassicLevel } from 'classic-level'
import { PushError } from '../../errors.ts'

export type Database = ClassicLevel<Buffer, Buffer>
export type Operation = BatchOperation<Database, Buffer, Buffer>

interface Call {
  readonly resolve: () => void
  readonly reject: (error: PushError) => void
}

interface Group {
  readonly operations: Operation[]
  readonly calls: Call[]
  sync: boolean
}

export class GroupCommit {
  readonly #database: Database
  readonly #beforeSync: (() => Promise<void>) | undefined
  /** What is in memory is ahead of the disk, and the disk refused: it has to be read again. */
  readonly #failed: () => void
  #gathering: Group = newGroup()
  #running: Promise<void> | undefined

  constructor(database: Database, failed: () => void, beforeSync: (() => Promise<void>) | undefined) {
    this.#database = database
    this.#failed = failed
    this.#beforeSync = beforeSync
  }

  /** Resolves when the operations are on disk; a call without operations, when all before it are. */
  write(operations: readonly Operation[], sync: boolean): Promise<void> {
    const group = this.#gathering
    for (const operation of operations) group.operations.push(operation)
    group.sync ||= sync
    const done = new Promise<void>((resolve, reject) => group.calls.push({ resolve, reject }))
    this.#running ??= this.#run()
    return done
  }

  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // The rest of this turn of the event loop joins the first batch.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#gathering.calls.length > 0) {
      const group = this.#gathering
      this.#gathering = newGroup()
      try {
        await this.#beforeSync?.()
        if (group.operations.length > 0) await this.#database.batch(group.operations, { sync: group.sync })
        for (const call of group.calls) call.resolve()
      } catch (cause) {
        // What was gathered meanwhile builds on what was not written.
        const late = this.#gathering
        this.#gathering = newGroup()
        this.#failed()
        const error = new PushError('STORE_UNAVAILABLE', 'the embedded store cannot write', { cause })
        for (const call of [...group.calls, ...late.calls]) call.reject(error)
      }
    }
    this.#running = undefined
  }
}

function newGroup(): Group {
  return { operations: [], calls: [], sync: false }
}
