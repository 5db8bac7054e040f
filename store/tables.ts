/** Small tables that all nodes share, each row with a version: keys of providers, epochs of revocations, enrolment codes. */

export interface TableRow {
  /** 1 to 512 bytes. */
  readonly key: string
  /** It grows with every change in its table, and is never given twice. */
  readonly version: number
  readonly value: Uint8Array
  /** Milliseconds since the epoch; `Infinity` for never. From then on it is not there. */
  readonly expiresAt: number
}

export interface TableWrite {
  /** One of the program's own names: printable, at most 64 characters. */
  readonly table: string
  readonly key: string
  /** Absent: the row goes. */
  readonly value?: Uint8Array
  /** Default: never. */
  readonly expiresAt?: number
  /** The version that the row must have, 0 for none; absent: whatever is there. */
  readonly expected?: number
  /**
   * It takes something away from somebody: written also where the store is out of memory, which refuses other rows that are
   * new. Default: false.
   */
  readonly isUrgent?: boolean
}

export interface TableChange {
  readonly key: string
  readonly version: number
  /** As it is now; absent: it is gone. */
  readonly row?: TableRow
}

export interface TableSlice {
  /** By version, each key once: what happened to it before that is passed over. A row that expired is no change. */
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
  /** After a key, in the order of the bytes of their keys, at most so many. */
  readRows(table: string, after: string, most: number): Promise<readonly TableRow[]>
  /** The version of the newest change; 0 before the first. */
  tableEnd(table: string): Promise<number>
  /** Undefined: what was removed after that version is not known any more, so that all rows must be read again. */
  readChanges(table: string, after: number, most: number): Promise<TableSlice | undefined>
}

/** Removed rows that a table remembers. Who is further behind reads all rows. */
export const REMEMBERED_ROWS = 10_000
