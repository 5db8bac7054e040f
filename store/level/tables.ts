/**
 * Small tables. A row is version (1), its own version, when it ends, and the value. Beside the rows lie their keys by the
 * version of the newest change: of rows that are there, and apart from these, of rows that were removed.
 */
import type { TableChange, TableRow, TableSlice, TableWrite } from '../contract.ts'
import { REMEMBERED_ROWS } from '../tables.ts'
import { clamp, ValueWriter } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import { dueKey, entryKey, Kind, metaKey, ownerNameOf, parseEntryKey, restOf, tableKey } from './keys.ts'
import { versioned } from './named-records.ts'
import { NEVER } from './records.ts'
import type { Transaction } from './transaction.ts'

const VERSION = 1
const NUMBER_BYTES = 8
/** Removed rows that go from memory in one step. */
const FORGOTTEN = 8

interface TableState {
  readonly last: number
  /** Removals after this version are known. */
  readonly since: number
  readonly removed: number
}

/** What of the removed rows may be forgotten must be prepared. */
export function writeRow(
  transaction: Transaction,
  { table, key, value, expiresAt = Infinity, expected }: TableWrite,
  forgotten: readonly Buffer[],
): number | undefined {
  const rowKey = tableKey(Kind.tableRow, table, key)
  const bytes = transaction.get(rowKey)
  const found = bytes && orDamaged(() => decodeRow(key, bytes))
  const before = found !== undefined && found.expiresAt > transaction.now ? found : undefined
  if (expected !== undefined && expected !== (before?.version ?? 0)) return undefined
  const state = stateOf(transaction.get(stateKey(table)))
  if (value === undefined && before === undefined) return state.last
  const version = state.last + 1
  if (found !== undefined) removeRow(transaction, rowKey, table, found)
  let { removed, since } = state
  if (value === undefined) {
    transaction.put(changeKey(Kind.tableRemoved, table, version), Buffer.from(key))
    removed += 1
  } else {
    transaction.put(rowKey, encodeRow({ version, value, expiresAt }))
    transaction.put(changeKey(Kind.tableChange, table, version), Buffer.from(key))
    if (clamp(expiresAt) < NEVER) transaction.addDue(clamp(expiresAt), rowKey)
  }
  for (const each of removed > REMEMBERED_ROWS ? forgotten : []) {
    transaction.delete(each)
    since = parseEntryKey(each).offset
    removed -= 1
  }
  transaction.put(stateKey(table), encodeState({ last: version, since, removed }))
  transaction.tell((watcher) => watcher.tableChanged?.(table, version))
  return version
}

/** The oldest of the removed rows, where there are too many. */
export async function forgettable(database: Database, table: string): Promise<readonly Buffer[]> {
  if (stateOf(database.get(stateKey(table))).removed < REMEMBERED_ROWS) return []
  return await database.keys(changesAfter(Kind.tableRemoved, table, 0), FORGOTTEN)
}

function removeRow(transaction: Transaction, rowKey: Buffer, table: string, { version, expiresAt }: TableRow): void {
  transaction.delete(rowKey)
  transaction.delete(changeKey(Kind.tableChange, table, version))
  if (clamp(expiresAt) < NEVER) transaction.delete(dueKey(clamp(expiresAt), rowKey))
}

/** It may have been written again since it was due. */
export function sweepRow(transaction: Transaction, rowKey: Buffer, now: number): void {
  const bytes = transaction.get(rowKey)
  const row = bytes && orDamaged(() => decodeRow(restOf(rowKey), bytes))
  if (row !== undefined && row.expiresAt <= now) removeRow(transaction, rowKey, ownerNameOf(rowKey), row)
}

// Reading

export function readRow(database: Database, table: string, key: string, now: number): TableRow | undefined {
  const bytes = database.get(tableKey(Kind.tableRow, table, key))
  const row = bytes && orDamaged(() => decodeRow(key, bytes))
  return row !== undefined && row.expiresAt > now ? row : undefined
}

export async function readRows(
  database: Database,
  table: string,
  { after, most, now }: { readonly after: string; readonly most: number; readonly now: number },
): Promise<readonly TableRow[]> {
  const found: TableRow[] = []
  // The next possible key.
  let gte = after === '' ? tableKey(Kind.tableRow, table) : next(tableKey(Kind.tableRow, table, after))
  const lt = Buffer.concat([tableKey(Kind.tableRow, table), Buffer.from([0xff])])
  while (found.length < most) {
    const rows = await database.entries({ gte, lt, limit: most - found.length })
    const last = rows.at(-1)
    if (last === undefined) break
    for (const [key, bytes] of rows) {
      const row = orDamaged(() => decodeRow(restOf(key), bytes))
      if (row.expiresAt > now) found.push(row)
    }
    gte = next(last[0])
  }
  return found
}

export function tableEnd(database: Database, table: string): number {
  return stateOf(database.get(stateKey(table))).last
}

export async function readChanges(
  database: Database,
  table: string,
  { after, most, now }: { readonly after: number; readonly most: number; readonly now: number },
): Promise<TableSlice | undefined> {
  const { last, since } = stateOf(database.get(stateKey(table)))
  if (after < since || after > last) return undefined
  const kinds = [Kind.tableChange, Kind.tableRemoved]
  const each = await Promise.all(
    kinds.map((kind) => database.entries({ ...changesAfter(kind, table, after), limit: most })),
  )
  const all = each.flat().map(([key, bytes]) => ({ version: parseEntryKey(key).offset, key: bytes.toString() }))
  const first = all.toSorted((one, other) => one.version - other.version).slice(0, most)
  const changes = first.map(({ key, version }): TableChange => {
    const row = readRow(database, table, key, now)
    return row === undefined ? { key, version } : { key, version, row }
  })
  // What is written meanwhile is read with the next call.
  const readTo = all.length > most || first.length === most ? (first.at(-1)?.version ?? last) : last
  return { changes, readTo, end: last }
}

function changesAfter(kind: number, table: string, version: number): { gte: Buffer; lt: Buffer } {
  const prefix = tableKey(kind, table)
  return { gte: entryKey(prefix, version + 1), lt: Buffer.concat([prefix, Buffer.alloc(NUMBER_BYTES, 0xff)]) }
}

const changeKey = (kind: number, table: string, version: number): Buffer => entryKey(tableKey(kind, table), version)
const stateKey = (table: string): Buffer => metaKey(`table ${table}`)
const next = (key: Buffer): Buffer => Buffer.concat([key, Buffer.alloc(1)])

// Values

function encodeRow({ version, value, expiresAt }: Omit<TableRow, 'key'>): Buffer {
  return new ValueWriter(1 + 2 * NUMBER_BYTES + value.byteLength)
    .byte(VERSION)
    .number(version)
    .wide(clamp(expiresAt))
    .raw(value)
    .done()
}

function decodeRow(key: string, bytes: Buffer): TableRow {
  const from = versioned(bytes)
  const version = from.number()
  const expiresAt = from.wide()
  return { key, version, expiresAt: expiresAt >= NEVER ? Infinity : expiresAt, value: from.rest() }
}

function stateOf(bytes: Buffer | undefined): TableState {
  if (bytes === undefined) return { last: 0, since: 0, removed: 0 }
  return orDamaged(() => {
    const from = versioned(bytes)
    return { last: from.number(), since: from.number(), removed: from.number() }
  })
}

function encodeState({ last, since, removed }: TableState): Buffer {
  return new ValueWriter(1 + 3 * NUMBER_BYTES).byte(VERSION).number(last).number(since).number(removed).done()
}
