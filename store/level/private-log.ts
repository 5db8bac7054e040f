/** Private logs: one a token id. */
import { PushError } from '../../errors.ts'
import type { Appended, LogEntry, LogSlice, PrivateAppend, ReadLimit, TokenId } from '../contract.ts'
import { type Context, del, look, put, rememberId, seenAt } from './context.ts'
import type { Operation } from './group-commit.ts'
import { expiryKey, privateIdKey, privateKey, retainedPrivateKey } from './keys.ts'
import type { Token, TokenTable } from './token-table.ts'
import { decodeEntry, encodeEntry } from './values.ts'

const NOTHING = Buffer.alloc(0)
/** Entries fetched at a time. */
const CHUNK = 32

export class PrivateLog {
  readonly #context: Context
  readonly #tokens: TokenTable
  readonly #wake: (tokenId: TokenId, entry: LogEntry) => void

  constructor(context: Context, tokens: TokenTable, wake: (tokenId: TokenId, entry: LogEntry) => void) {
    this.#context = context
    this.#tokens = tokens
    this.#wake = wake
  }

  async append({ tokenId, app, message, dedupe }: PrivateAppend): Promise<Appended> {
    const token = this.#tokens.get(tokenId)
    if (token === undefined || (app !== undefined && token.app !== app)) throw new PushError('TOKEN_UNKNOWN')
    if (token.revoked) throw new PushError('TOKEN_REVOKED')
    const idKey = privateIdKey(tokenId, message.id)
    const earlier = dedupe ? seenAt(this.#context, idKey) : undefined
    if (earlier !== undefined) {
      // The first one may still be on its way to the disk.
      await this.#context.commits.write([], true)
      return { offset: earlier, duplicate: true, dropped: 0 }
    }
    const entry: LogEntry = { ...message, offset: token.lastOffset + 1 }
    const operations: Operation[] = []
    const written = dedupe ? this.#remember(idKey, entry, operations) : undefined
    const dropped = this.#add(token, entry, operations)
    token.writing++
    try {
      await this.#context.commits.write(operations, true)
    } finally {
      token.writing--
      written?.()
    }
    token.written = Math.max(token.written, entry.offset)
    token.unwritten?.delete(entry.offset)
    if (dropped > 0) this.#context.observer.dropped('private', dropped)
    this.#wake(tokenId, entry)
    return { offset: entry.offset, duplicate: false, dropped }
  }

  async read(tokenId: TokenId, after: number, limit: ReadLimit): Promise<LogSlice<LogEntry>> {
    const token = this.#tokens.get(tokenId)
    const end = token?.written ?? 0
    const from = Math.max(after, token?.cursor ?? 0)
    if (token === undefined || from >= end || token.count === 0)
      return { entries: [], readTo: Math.max(after, end), end }
    const now = this.#context.now()
    const entries: LogEntry[] = []
    let bytes = 0
    let readTo = from
    const iterator = this.#context.database.values({ gt: privateKey(tokenId, from), lte: privateKey(tokenId, end) })
    try {
      for (;;) {
        const chunk = await iterator.nextv(Math.min(limit.entries + 1, CHUNK))
        if (chunk.length === 0) return { entries, readTo: Math.max(after, end), end }
        for (const value of chunk) {
          const entry = decodeEntry(value)
          const live = entry.expiresAt > now
          const full =
            entries.length >= limit.entries || (entries.length > 0 && bytes + entry.payload.byteLength > limit.bytes)
          if (live && full) return { entries, readTo: Math.max(after, readTo), end }
          readTo = entry.offset
          if (!live) continue
          entries.push(entry)
          bytes += entry.payload.byteLength
        }
      }
    } catch (cause) {
      throw new PushError('STORE_UNAVAILABLE', 'the embedded store cannot read', { cause })
    } finally {
      await iterator.close()
    }
  }

  retained(tokenId: TokenId): LogEntry | undefined {
    const value = look(this.#context.database, retainedPrivateKey(tokenId))
    if (value === undefined) return undefined
    const entry = decodeEntry(value)
    return entry.expiresAt > this.#context.now() ? entry : undefined
  }

  /** Moves the cursor, and takes what lies before it out of the log. */
  trim(token: Token, through: number, operations: Operation[]): void {
    const target = Math.min(through, token.written)
    for (let offset = Math.max(token.first, token.cursor + 1); offset <= target; offset++)
      this.#remove(token, offset, operations)
    token.cursor = Math.max(token.cursor, target)
    token.first = Math.max(token.first, token.cursor + 1)
  }

  /** Takes an entry out that has expired; false when it is gone already, or not expired. */
  expire(token: Token, offset: number, now: number, operations: Operation[]): boolean {
    const value = look(this.#context.database, privateKey(token.id, offset))
    if (value === undefined || offset < token.first || decodeEntry(value).expiresAt > now) return false
    if (!this.#remove(token, offset, operations)) return false
    token.gone ??= new Set()
    token.gone.add(offset)
    return true
  }

  #remember(idKey: Buffer, entry: LogEntry, operations: Operation[]): () => void {
    const until = Math.max(this.#context.now() + this.#context.limits.dedupeMs, entry.expiresAt)
    return rememberId(this.#context, idKey, entry.offset, until, operations)
  }

  #add(token: Token, entry: LogEntry, operations: Operation[]): number {
    const size = entry.payload.byteLength
    const dropped = this.#makeRoom(token, size, operations)
    token.lastOffset = entry.offset
    token.count++
    token.bytes += size
    token.unwritten ??= new Map()
    token.unwritten.set(entry.offset, size)
    const value = encodeEntry(entry)
    const key = privateKey(token.id, entry.offset)
    operations.push(put(key, value), put(expiryKey(entry.expiresAt, key), NOTHING))
    if (entry.retain) this.#retain(token, entry, value, operations)
    operations.push(this.#tokens.save(token))
    return dropped
  }

  #retain(token: Token, entry: LogEntry, value: Buffer, operations: Operation[]): void {
    const key = retainedPrivateKey(token.id)
    if (entry.payload.byteLength === 0) operations.push(del(key))
    else operations.push(put(key, value), put(expiryKey(entry.expiresAt, key), NOTHING))
  }

  #makeRoom(token: Token, size: number, operations: Operation[]): number {
    const { privateMessages, privateBytes } = this.#context.limits
    let dropped = 0
    while (token.count > 0 && (token.count >= privateMessages || token.bytes + size > privateBytes)) {
      if (token.first > token.lastOffset) break
      if (this.#remove(token, token.first, operations)) dropped++
      token.first++
    }
    return dropped
  }

  /** False when there is no entry at this offset any more. */
  #remove(token: Token, offset: number, operations: Operation[]): boolean {
    if (token.gone?.has(offset) === true) return false
    const key = privateKey(token.id, offset)
    const unwritten = token.unwritten?.get(offset)
    let size = unwritten
    if (unwritten === undefined) {
      const value = look(this.#context.database, key)
      if (value === undefined) return false
      const entry = decodeEntry(value)
      size = entry.payload.byteLength
      operations.push(del(expiryKey(entry.expiresAt, key)))
    } else {
      token.unwritten?.delete(offset)
    }
    operations.push(del(key))
    token.count = Math.max(0, token.count - 1)
    token.bytes = Math.max(0, token.bytes - (size ?? 0))
    return true
  }
}
