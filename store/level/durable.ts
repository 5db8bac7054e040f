/** What is on disk: records as they were last written, with the newest uses in memory. What is not durable is not here. */
import { LRUCache } from 'lru-cache'
import type { TokenId } from '../contract.ts'
import { type Database, unavailable } from './database.ts'
import { type EntryHead, readHead } from './entry.ts'
import { appKey, parseSelector, retainedIndexRange, tokenKey } from './keys.ts'
import { type AppState, decodeApp, decodeTimed, decodeToken, NEW_APP, type TokenState } from './records.ts'
import { RetainedIndex } from './retained-index.ts'

const APPS = 2_000
const RETAINED_INDEXES = 200
/** What was appended lately is what is acknowledged next, one entry after the other. */
const ENTRY_HEADS = 20_000

export class Durable {
  readonly database: Database
  readonly #tokens: LRUCache<TokenId, TokenState>
  readonly #apps = new LRUCache<string, AppState>({ max: APPS })
  readonly #retained = new LRUCache<string, RetainedIndex>({ max: RETAINED_INDEXES })
  readonly #heads = new LRUCache<string, EntryHead>({ max: ENTRY_HEADS })
  #retainedChanges = 0

  constructor(database: Database, cachedTokens: number) {
    this.database = database
    this.#tokens = new LRUCache({ max: cachedTokens })
  }

  token(id: TokenId): TokenState | undefined {
    const known = this.#tokens.get(id)
    if (known !== undefined) return known
    const bytes = this.database.get(tokenKey(id))
    if (bytes === undefined) return undefined
    const token = orDamaged(() => decodeToken(bytes))
    this.#tokens.set(id, token)
    return token
  }

  /** Without a look at the disk when it was written lately. `text` is the key as Latin-1. */
  entryHead(key: Buffer, text: string): EntryHead | undefined {
    const known = this.#heads.get(text)
    if (known !== undefined) return known
    const bytes = this.database.get(key)
    return bytes && readHead(bytes)
  }

  app(name: string): AppState {
    const known = this.#apps.get(name)
    if (known !== undefined) return known
    const bytes = this.database.get(appKey(name))
    if (bytes === undefined) return NEW_APP
    const app = orDamaged(() => decodeApp(bytes))
    this.#apps.set(name, app)
    return app
  }

  /** The retained broadcasts of an app; read again when they change while they are read. */
  async retained(app: string): Promise<RetainedIndex> {
    for (;;) {
      const known = this.#retained.get(app)
      if (known !== undefined) return known
      const before = this.#retainedChanges
      const rows = await this.database.entries(retainedIndexRange(app))
      if (before !== this.#retainedChanges) continue
      const index = orDamaged(
        () => new RetainedIndex(rows.map(([key, value]) => [parseSelector(key), decodeTimed(value)])),
      )
      this.#retained.set(app, index)
      return index
    }
  }

  /** Without a head: it is gone, or another kind of key. */
  wroteEntry(text: string, head: EntryHead | undefined): void {
    if (head === undefined) this.#heads.delete(text)
    else this.#heads.set(text, head)
  }

  wroteToken(id: TokenId, token: TokenState | undefined): void {
    if (token === undefined) this.#tokens.delete(id)
    else this.#tokens.set(id, token)
  }

  wroteApp(name: string, app: AppState): void {
    this.#apps.set(name, app)
  }

  wroteRetained(app: string, index: RetainedIndex): void {
    this.#retainedChanges += 1
    this.#retained.set(app, index)
  }

  /** Everything is read again. */
  forget(): void {
    this.#retainedChanges += 1
    this.#tokens.clear()
    this.#heads.clear()
    this.#apps.clear()
    this.#retained.clear()
  }
}

export function orDamaged<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw unavailable('a value of the embedded store is damaged', error)
  }
}
