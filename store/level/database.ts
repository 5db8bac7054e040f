/** LevelDB, or the same in memory, with our errors. */
import type { AbstractChainedBatchWriteOptions, AbstractLevel } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { PushError } from '../../errors.ts'
import { privateDirectory } from '../../common/private-files.ts'
import type { EntryHead } from './entry.ts'
import { metaKey } from './keys.ts'

/** Without value: the key goes. */
export interface Write {
  readonly key: Buffer
  readonly value: Buffer | undefined
  /** Of a log entry. */
  readonly head?: EntryHead
}

export interface Range {
  readonly gte: Buffer
  readonly lt: Buffer
  readonly limit?: number
}

/**
 * Held in memory, and in the log that is read again at a start, before it becomes a file of its own. Most messages are
 * acknowledged within it: with the 4 MiB of LevelDB, its thread spends three times as long on them.
 */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024
/** Rows, and bytes, that a portion has at most. */
const PORTION = 1_000
const PORTION_BYTES = 1024 * 1024
const FORMAT = 5
/** They are read the same; since 4, the record of a token id may be older than its log, since 5 that of a session by name. */
const BEFORE: readonly (number | undefined)[] = [3, 4]
const FORMAT_KEY = metaKey('format')

export class Database {
  readonly #level: AbstractLevel<string | Buffer | Uint8Array, Buffer, Buffer>
  readonly #directory: string | undefined

  /** Without a directory it is in memory: gone when it is closed, and nothing of a disk can fail. */
  constructor(directory: string | undefined) {
    this.#directory = directory
    const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
    this.#level =
      directory === undefined
        ? new MemoryLevel(encodings)
        : new ClassicLevel(directory, { ...encodings, writeBufferSize: WRITE_BUFFER_BYTES })
  }

  /** Secrets are in it, so that only the owner may read it. */
  async open(): Promise<void> {
    await this.#open(async () => {
      if (this.#directory !== undefined) await privateDirectory(this.#directory)
      await this.#level.open()
    })
  }

  async #open(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw unavailable(openProblem(error, this.#name), error)
    }
    try {
      await this.#checkFormat()
    } catch (error) {
      // Otherwise the directory stayed locked.
      await this.#level.close().catch(() => undefined)
      throw error
    }
  }

  get #name(): string {
    return this.#directory ?? 'the store in memory'
  }

  async #checkFormat(): Promise<void> {
    const format = this.get(FORMAT_KEY)
    if (format === undefined || (format.length === 1 && BEFORE.includes(format[0])))
      return await this.write([{ key: FORMAT_KEY, value: Buffer.from([FORMAT]) }], true)
    if (!format.equals(Buffer.from([FORMAT])))
      throw unavailable(`${this.#name} was written by another version of this program`)
  }

  async close(): Promise<void> {
    await this.#level.close()
  }

  /** Reads again what was really written. Files that are away are an error: an empty database would have lost everything. */
  async reopen(): Promise<void> {
    await this.#level.close()
    await this.#open(() => this.#level.open({ createIfMissing: false }))
  }

  /** From memory or the page cache, in a few microseconds: far less than a turn of the thread pool costs. */
  get(key: Buffer): Buffer | undefined {
    try {
      return this.#level.getSync(key)
    } catch (error) {
      throw unavailable('the embedded store cannot read', error)
    }
  }

  /** One batch, whole or not at all. A chained one: an array of operations costs three times as much (abstract-level 3). */
  async write(writes: Iterable<Write>, sync: boolean): Promise<void> {
    try {
      const batch = this.#level.batch()
      for (const { key, value } of writes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      const durable: AbstractChainedBatchWriteOptions & { sync: boolean } = { sync }
      await batch.write(durable)
    } catch (error) {
      throw unavailable('the embedded store cannot write', error)
    }
  }

  async keys(range: Range, limit: number): Promise<Buffer[]> {
    try {
      return await this.#level.keys({ ...range, limit }).all()
    } catch (error) {
      throw unavailable('the embedded store cannot read', error)
    }
  }

  async entries(range: Range): Promise<[Buffer, Buffer][]> {
    try {
      return await this.#level.iterator({ ...range }).all()
    } catch (error) {
      throw unavailable('the embedded store cannot read', error)
    }
  }

  /** Values that are text, in portions, as they are when it begins: a third of what a `Buffer` each costs. */
  async *texts({ gte, lt }: Range): AsyncIterable<string[]> {
    try {
      const options = { gte, lt, keyEncoding: 'buffer', valueEncoding: 'utf8', highWaterMarkBytes: PORTION_BYTES }
      const rows = this.#level.values<Buffer, string>(options)
      try {
        for (;;) {
          const portion = await rows.nextv(PORTION)
          if (portion.length === 0) return
          yield portion
        }
      } finally {
        await rows.close()
      }
    } catch (error) {
      throw unavailable('the embedded store cannot read', error)
    }
  }

  /**
   * Values in the order of their keys, fetched `count` at a time, or fewer when they hold more than `bytes`; until `use`
   * has had enough and returns false.
   */
  async scan(
    range: Range,
    { count, bytes }: { count: number; bytes: number },
    use: (value: Buffer) => boolean,
  ): Promise<void> {
    try {
      const portion = { ...range, highWaterMarkBytes: bytes }
      const values = this.#level.values(portion)
      try {
        for (;;) {
          const chunk = await values.nextv(count)
          if (chunk.length === 0 || !chunk.every(use)) return
        }
      } finally {
        await values.close()
      }
    } catch (error) {
      throw unavailable('the embedded store cannot read', error)
    }
  }
}

/** The error that a caller gets; one of the catalogue stays what it is. */
export function unavailable(detail: string, cause?: unknown): PushError {
  if (cause instanceof PushError) return cause
  return new PushError('STORE_UNAVAILABLE', detail, { cause })
}

export function orDamaged<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw unavailable('a value of the embedded store is damaged', error)
  }
}

/** Why a database of this directory does not open, in a sentence that names it. */
export function openProblem(error: unknown, directory: string): string {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (reason instanceof Error && 'code' in reason && reason.code === 'LEVEL_LOCKED') {
    return `${directory} is in use by another process; one server uses one data directory`
  }
  return `${directory} cannot be opened: ${reason instanceof Error ? reason.message : String(reason)}`
}
