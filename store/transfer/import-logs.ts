/** Upstream and event logs with their readers, into a store. */
import type { Part, ReaderMove, Store, UpstreamEntry } from '../contract.ts'
import { TransferError } from './fields.ts'
import type { EntryLine, LogsLine, ReaderLine, RetainedLine } from './format-logs.ts'
import type { Imported } from './imported.ts'
import type { Progress } from './progress.ts'

const MOST_BYTES = 4 * 1024 * 1024
const READ = { entries: 1_000, bytes: MOST_BYTES }

interface ImportLogsOptions {
  readonly store: Store
  readonly progress: Progress
  readonly now: () => number
  readonly imported: Imported
}

interface Waiting {
  readonly line: EntryLine
  /** It may be there already. */
  readonly perhaps: boolean
}

/** A reader of the log whose lines are being read. */
class ImportedReader {
  readonly reader: string
  readonly #unread: ReadonlyMap<Part, number>
  /** Parts here in which something comes that it has not passed. */
  readonly #stopped = new Set<Part>()
  readonly #moves = new Map<Part, number>()

  constructor({ reader, unread }: ReaderLine) {
    this.reader = reader
    this.#unread = new Map(unread)
  }

  hasPassed({ part, offset }: EntryLine): boolean {
    return offset <= (this.#unread.get(part) ?? Infinity)
  }

  /** In order: its cursor here is before the first entry that it had not passed there. */
  met(line: EntryLine, { part, cursor }: ReaderMove): void {
    if (!this.hasPassed(line)) this.#stopped.add(part)
    else if (!this.#stopped.has(part)) this.#moves.set(part, cursor)
  }

  stop(part: Part): void {
    this.#stopped.add(part)
  }

  get moves(): readonly ReaderMove[] {
    return [...this.#moves].map(([part, cursor]) => ({ part, cursor }))
  }
}

export class ImportLogs {
  readonly #options: ImportLogsOptions
  #log: string | undefined
  #readers: ImportedReader[] = []
  #waiting: Waiting[] = []
  #bytes = 0
  #retained: UpstreamEntry[] = []
  /** What was found here of an import that was not finished, by what says that it is the same; offsets in order. */
  #found: Map<string, ReaderMove[]> | undefined

  constructor(options: ImportLogsOptions) {
    this.#options = options
  }

  async take(line: LogsLine): Promise<void> {
    if (line.type === 'log') {
      await this.finish()
      this.#log = line.log
      return
    }
    const log = this.#log
    if (log === undefined) throw new TransferError('it belongs to no log: no such line is before it')
    if (this.#options.progress.isFull || this.#bytes >= MOST_BYTES) await this.#settle(log)
    if (line.type === 'reader') await this.#reader(log, line)
    else if (line.type === 'entry') this.#entry(line)
    else this.#retain(line)
  }

  /** No more of the log comes. */
  async finish(): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    await this.#settle(log)
    const { store } = this.#options
    for (const { reader, moves } of this.#readers) if (moves.length > 0) await store.moveReader(log, reader, moves)
    this.#log = undefined
    this.#readers = []
    this.#found = undefined
  }

  async #reader(log: string, line: ReaderLine): Promise<void> {
    const { store, progress, now } = this.#options
    const isDone = progress.next() === 'done'
    if (line.expiresAt <= now()) return
    this.#readers.push(new ImportedReader(line))
    if (!isDone) await store.openReader({ app: log, reader: line.reader, expiresAt: line.expiresAt })
  }

  #entry(line: EntryLine): void {
    const { store, progress, now, imported } = this.#options
    const whether = progress.next()
    if (this.#readers.every((reader) => reader.hasPassed(line))) return
    if (line.message.expiresAt <= now()) {
      imported.expired += 1
      return
    }
    if (whether === 'done') {
      imported.duplicates += 1
      // Its place here is not known any more, only that who has not passed it stays in front of it.
      const part = store.upstreamPart(line.tokenId)
      for (const reader of this.#readers) if (!reader.hasPassed(line)) reader.stop(part)
      return
    }
    this.#waiting.push({ line, perhaps: whether === 'perhaps' })
    this.#bytes += line.message.payload.byteLength
  }

  #retain({ tokenId, subject, message }: RetainedLine): void {
    const { progress, now, imported } = this.#options
    const whether = progress.next()
    if (message.expiresAt <= now()) imported.expired += 1
    else if (whether === 'done') imported.duplicates += 1
    else this.#retained.push({ ...message, offset: 0, tokenId, subject })
    this.#bytes += message.payload.byteLength
  }

  /** All that came is stored. */
  async #settle(log: string): Promise<void> {
    const { store, progress } = this.#options
    const waiting = this.#waiting.splice(0)
    this.#bytes = 0
    const places = await this.#restore(log, waiting)
    for (const [at, { line }] of waiting.entries()) {
      const place = places[at]
      if (place !== undefined) for (const reader of this.#readers) reader.met(line, place)
    }
    const retained = this.#retained.splice(0)
    if (retained.length > 0) await store.restoreRetainedUpstream(log, retained)
    await progress.save()
  }

  /** Where each of them is, in their order. */
  async #restore(log: string, waiting: readonly Waiting[]): Promise<readonly (ReaderMove | undefined)[]> {
    const { store, imported } = this.#options
    const found: (ReaderMove | undefined)[] = []
    for (const { line, perhaps } of waiting) found.push(perhaps ? await this.#find(log, line) : undefined)
    imported.duplicates += found.filter((place) => place !== undefined).length
    const absent = waiting.filter((_, at) => found[at] === undefined).map(({ line }) => entryOf(line))
    const given = absent.length === 0 ? [] : [...(await store.restoreUpstream(log, absent))].reverse()
    return found.map((place) => place ?? given.pop())
  }

  async #find(log: string, line: EntryLine): Promise<ReaderMove | undefined> {
    this.#found ??= await this.#all(log)
    return this.#found.get(keyOf(entryOf(line)))?.shift()
  }

  async #all(log: string): Promise<Map<string, ReaderMove[]>> {
    const { store } = this.#options
    const all = new Map<string, ReaderMove[]>()
    for (let part = 0; part < store.upstreamParts; part += 1) {
      for (let after = 0; ; ) {
        const { entries, readTo, end } = await store.readUpstream(log, part, after, READ)
        for (const entry of entries) {
          const places = all.get(keyOf(entry)) ?? []
          places.push({ part, cursor: entry.offset })
          all.set(keyOf(entry), places)
        }
        if (readTo >= end) break
        after = readTo
      }
    }
    return all
  }
}

function entryOf({ offset, tokenId, subject, message }: EntryLine): UpstreamEntry {
  return { ...message, offset, tokenId, subject }
}

function keyOf({ tokenId, subject, id, storedAt }: UpstreamEntry): string {
  return `${tokenId} ${storedAt} ${id} ${subject}`
}
