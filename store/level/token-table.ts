/** Records of token ids: read when they are needed, kept while they are in use, written with every change. */
import type { TokenId } from '../contract.ts'
import { type Context, look, put } from './context.ts'
import type { Operation } from './group-commit.ts'
import { tokenKey } from './keys.ts'
import { decodeToken, encodeToken, type TokenRow } from './values.ts'

/** A record in memory, which may be ahead of the disk. */
export interface Token extends TokenRow {
  readonly id: TokenId
  /** Offset up to which the private log is on disk. */
  written: number
  /** Writes under way: it must not be forgotten. */
  writing: number
  /** Payload bytes of private entries that are not on disk yet, by offset. */
  unwritten: Map<number, number> | undefined
  /** The oldest pending entry is here or later. */
  first: number
  /** Expired entries whose removal is not on disk yet. */
  gone: Set<number> | undefined
}

/** Records kept in memory that nothing is written to. */
const KEPT = 50_000

export class TokenTable {
  readonly #context: Context
  /** In the order of use. */
  readonly #tokens = new Map<TokenId, Token>()

  constructor(context: Context) {
    this.#context = context
  }

  get(id: TokenId): Token | undefined {
    const known = this.#tokens.get(id)
    if (known !== undefined) {
      this.#tokens.delete(id)
      this.#tokens.set(id, known)
      return known
    }
    const value = look(this.#context.database, tokenKey(id))
    if (value === undefined) return undefined
    const row = decodeToken(value)
    return this.#keep({
      ...row,
      id,
      written: row.lastOffset,
      writing: 0,
      unwritten: undefined,
      first: row.cursor + 1,
      gone: undefined,
    })
  }

  create(id: TokenId, row: TokenRow): Token {
    return this.#keep({ ...row, id, written: 0, writing: 0, unwritten: undefined, first: 1, gone: undefined })
  }

  /** The operation that writes the record as it is now. */
  save(token: Token): Operation {
    return put(tokenKey(token.id), encodeToken(token))
  }

  forget(id: TokenId): void {
    this.#tokens.delete(id)
  }

  clear(): void {
    this.#tokens.clear()
  }

  #keep(token: Token): Token {
    this.#tokens.set(token.id, token)
    if (this.#tokens.size > KEPT) this.#evict()
    return token
  }

  #evict(): void {
    for (const [id, token] of this.#tokens) {
      if (token.writing > 0) continue
      this.#tokens.delete(id)
      return
    }
  }
}
