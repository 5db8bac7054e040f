/** Small tables that all nodes share, each row with a version: keys of providers, epochs of revocations, enrolment codes. */

export interface TableRow {
  /** 1 to 512 bytes. */
  readonly key: string
  /** Grows with every change in its table, and never repeats. */
  readonly version: number
  readonly value: Uint8Array
  /** When the row expires, milliseconds since the epoch; `Infinity` for never. */
  readonly expiresAt: number
}

export interface TableWrite {
  /** One of the program's own names: printable, at most 64 characters. */
  readonly table: string
  readonly key: string
  /** Absent: deletes the row. */
  readonly value?: Uint8Array
  /** Default: never. */
  readonly expiresAt?: number
  /** The version that the row must have, 0 for none; absent: whatever is there. */
  readonly expected?: number
  /**
   * The change takes a right away: it is written even if the store is out of memory and refuses other new rows.
   * Default: false.
   */
  readonly isUrgent?: boolean
}

export interface TableChange {
  readonly key: string
  readonly version: number
  /** The row as it is now; absent: deleted. */
  readonly row?: TableRow
}

export interface TableSlice {
  /** Changes by version, each key once with its latest change. The expiry of a row is not a change. */
  readonly changes: readonly TableChange[]
  readonly readTo: number
  readonly end: number
}

export interface TableStore {
  /**
   * One conditional step, durable when it resolves: the new version, or undefined if `expected` is not what is there.
   * Repeated after an error, it may find what it wrote itself.
   * @throws STORE_UNAVAILABLE
   */
  writeRow(write: TableWrite): Promise<number | undefined>
  readRow(table: string, key: string): Promise<TableRow | undefined>
  /** Rows after a key, in byte order of their keys, at most this many. */
  readRows(table: string, after: string, most: number): Promise<readonly TableRow[]>
  /** The version of the newest change; 0 before the first. */
  tableEnd(table: string): Promise<number>
  /** Undefined: removals after that version are no longer known; read all rows again. */
  readChanges(table: string, after: number, most: number): Promise<TableSlice | undefined>
}

/** Number of removed rows that a table remembers. A copy that is further behind reads all rows. */
export const REMEMBERED_ROWS = 10_000
