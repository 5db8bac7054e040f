/** The lines that came after version 1 of the format, into a store. */
import type { Store } from '../contract.ts'
import type { LaterLine, RowLine, TopicLine } from './format-logs.ts'
import { ImportLogs } from './import-logs.ts'
import { ImportSessions } from './import-sessions.ts'
import type { Imported } from './imported.ts'
import { EPOCHS_TABLE, laterEpoch } from '../revocations.ts'
import { Progress } from './progress.ts'
import type { TransferTopics } from './topics.ts'

interface ImportLaterOptions {
  readonly store: Store
  readonly now: () => number
  readonly imported: Imported
  readonly topics: TransferTopics
}

/** Which lines are being read. */
type Kind = 'logs' | 'sessions' | 'topics' | 'rows'

export class ImportLater {
  readonly #options: ImportLaterOptions
  readonly #progress: Progress
  readonly #logs: ImportLogs
  readonly #sessions: ImportSessions
  #kind: Kind | undefined

  private constructor(options: ImportLaterOptions, progress: Progress) {
    this.#options = options
    this.#progress = progress
    this.#logs = new ImportLogs({ ...options, progress })
    this.#sessions = new ImportSessions({ ...options, progress })
  }

  /** With what names the export. */
  static async open(options: ImportLaterOptions, id: string): Promise<ImportLater> {
    return new ImportLater(options, await Progress.open(options.store, id))
  }

  async take(line: LaterLine): Promise<void> {
    switch (line.type) {
      case 'log':
      case 'reader':
      case 'entry':
      case 'retained':
        await this.#turnTo('logs')
        return await this.#logs.take(line)
      case 'session':
      case 'subscription':
      case 'delivery':
        await this.#turnTo('sessions')
        return await this.#sessions.take(line)
      case 'topic':
        await this.#turnTo('topics')
        return await this.#topic(line)
      case 'row':
        await this.#turnTo('rows')
        return await this.#row(line)
    }
  }

  /** All that came is stored. */
  async finish(): Promise<void> {
    await this.#turnTo(undefined)
  }

  /** After an error: what has begun is done or has failed. */
  async settle(): Promise<void> {
    await this.#sessions.settle()
  }

  /** The export is imported. */
  async close(): Promise<void> {
    await this.#progress.close(this.#options.now())
  }

  /** What came before lines of another kind is stored. */
  async #turnTo(kind: Kind | undefined): Promise<void> {
    if (kind === this.#kind) return
    if (this.#kind === 'logs') await this.#logs.finish()
    if (this.#kind === 'sessions') await this.#sessions.finish()
    await this.#progress.save()
    this.#kind = kind
  }

  /** What is retained here, and was published since, stays. */
  async #isNewer(topic: string, { storedAt }: TopicLine['message']): Promise<boolean> {
    for await (const here of this.#options.topics.matching(topic)) return here.storedAt >= storedAt
    return false
  }

  async #topic({ topic, qos, message }: TopicLine): Promise<void> {
    const { topics, now, imported } = this.#options
    if (this.#progress.isFull) await this.#progress.save()
    const whether = this.#progress.next()
    if (message.expiresAt <= now()) imported.expired += 1
    else if (whether === 'done' || (await this.#isNewer(topic, message))) imported.duplicates += 1
    else await topics.retain({ ...message, topic, qos })
  }

  /**
   * What is here stays, except for an earlier revocation; and what was removed here since an import before is not put back.
   */
  async #row(line: RowLine): Promise<void> {
    const { store, now, imported } = this.#options
    const { type: _, ...row } = line
    if (this.#progress.isFull) await this.#progress.save()
    if (this.#progress.next() === 'done' || row.expiresAt <= now()) return
    const here = await store.readRow(row.table, row.key)
    if (here === undefined) return void (await store.writeRow({ ...row, expected: 0 }))
    const isSame = Buffer.from(here.value).equals(row.value)
    if (row.table !== EPOCHS_TABLE) {
      if (!isSame) imported.rows += 1
      return
    }
    const expiresAt = Math.max(here.expiresAt, row.expiresAt)
    if (!isSame && laterEpoch(here.value, row.value) === row.value)
      await store.writeRow({ ...row, expiresAt, expected: here.version })
  }
}
