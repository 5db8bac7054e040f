/** Small tables that all nodes share. */
import type { TableChange, TableRow, TableSlice, TableStore, TableWrite } from '../contract.ts'
import { tableBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import type { Packed } from './pack.ts'
import {
  asBytes,
  asNumber,
  asOptionalNumber,
  asText,
  READ_CHANGES,
  READ_ROW,
  READ_ROWS,
  SWEEP_TABLE,
  TABLE_END,
  WRITE_ROW,
} from './steps.ts'

interface RedisTablesOptions {
  readonly lanes: Lanes
  readonly prefix: string
}

/** Of one answer. */
const MOST_ROWS = 1_000

export class RedisTables implements TableStore {
  readonly #lanes: Lanes
  readonly #prefix: string
  /** As many as the program has. */
  readonly #names = new Set<string>()

  constructor({ lanes, prefix }: RedisTablesOptions) {
    this.#lanes = lanes
    this.#prefix = prefix
  }

  async writeRow(write: TableWrite): Promise<number | undefined> {
    const { table, key, value, expiresAt = Infinity, expected = -1, isUrgent = false } = write
    const expires = expiresAt === Infinity ? 0 : Math.max(1, Math.floor(expiresAt))
    const told = [table, key, value ?? false, expires, expected, isUrgent]
    return asOptionalNumber((await this.#lanes.run(WRITE_ROW, this.#base(table), ...told))[0])
  }

  async readRow(table: string, key: string): Promise<TableRow | undefined> {
    const [version, expires, value] = await this.#lanes.run(READ_ROW, this.#base(table), key)
    return version === undefined ? undefined : asRow(key, version, expires, value)
  }

  async readRows(table: string, after: string, most: number): Promise<readonly TableRow[]> {
    const rows: TableRow[] = []
    for (let from = after; rows.length < most; ) {
      const wanted = Math.min(MOST_ROWS, most - rows.length)
      const [next, ...flat] = await this.#lanes.run(READ_ROWS, this.#base(table), from, wanted)
      for (let at = 0; at + 3 < flat.length; at += 4)
        rows.push(asRow(asText(flat[at]), flat[at + 1], flat[at + 2], flat[at + 3]))
      if (next === false) break
      from = asText(next)
    }
    return rows
  }

  async tableEnd(table: string): Promise<number> {
    return asNumber((await this.#lanes.run(TABLE_END, this.#base(table)))[0])
  }

  async readChanges(table: string, after: number, most: number): Promise<TableSlice | undefined> {
    const flat = await this.#lanes.run(READ_CHANGES, this.#base(table), after, Math.min(most, MOST_ROWS))
    if (flat.length === 0) return undefined
    const changes: TableChange[] = []
    for (let at = 2; at + 3 < flat.length; at += 4) {
      const [key, version, expires, value] = [asText(flat[at]), asNumber(flat[at + 1]), flat[at + 2], flat[at + 3]]
      changes.push(value === false ? { key, version } : { key, version, row: asRow(key, version, expires, value) })
    }
    return { changes, readTo: asNumber(flat[0]), end: asNumber(flat[1]) }
  }

  /** Removes rows that had ended by then, of all tables that this process has used. */
  async sweep(before: number): Promise<void> {
    for (const table of this.#names) {
      for (;;) {
        const [more] = await this.#lanes.run(SWEEP_TABLE, this.#base(table), Math.max(0, Math.floor(before)))
        if (more !== true) break
      }
    }
  }

  #base(table: string): string {
    this.#names.add(table)
    return tableBase(this.#prefix, table)
  }
}

function asRow(
  key: string,
  version: Packed | undefined,
  expires: Packed | undefined,
  value: Packed | undefined,
): TableRow {
  const expiresAt = asNumber(expires)
  return { key, version: asNumber(version), expiresAt: expiresAt === 0 ? Infinity : expiresAt, value: asBytes(value) }
}
