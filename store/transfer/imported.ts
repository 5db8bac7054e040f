/** What happened to an export. */
import { type Counts, noCounts } from './format.ts'

export interface Imported {
  /** Lines of each kind that were read. */
  readonly read: Counts
  /** Messages that were there already, from an import before. */
  duplicates: number
  /** Messages whose time to live had ended. */
  expired: number
  /** Messages that went, or were refused, because a log of this store was full. */
  dropped: number
  /** Messages of a token id that was revoked here already, by an import before or since. */
  revoked: number
  /** Sessions whose name another one has here: they were left out. */
  sessions: number
  /** Rows of tables that are others here: they stayed. */
  rows: number
}

export function nothingImported(): Imported {
  return { read: noCounts(), duplicates: 0, expired: 0, dropped: 0, revoked: 0, sessions: 0, rows: 0 }
}
