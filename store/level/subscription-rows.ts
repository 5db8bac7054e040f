/**
 * The table of subscriptions: the first row of a session says whose it is, and has as many of its filters as most sessions
 * have; the others have a row each, beside it. A start reads one row for most sessions.
 *
 * Rows are text, and parts that may hold anything come after their lengths (UTF-16 code units):
 * - first: version and kind, number of the table, epoch, filters that have a row, length of the name, name, entries
 * - other: version and kind, number of the table, one entry
 * - entry: length of the filter, length of the options, filter, options (a character a byte)
 */
import type { SessionSubscriptions, SubscriptionChange } from '../contract.ts'
import { type Database, orDamaged, type Range } from './database.ts'
import { subscriptionKey } from './keys.ts'
import type { Transaction } from './transaction.ts'

/** Limits of the first row, which every change rewrites: number of filters, and their length. */
const TOGETHER = 32
const TOGETHER_LENGTH = 8_192
const FIRST = '2o'
const OTHER = '2f'

type Filters = SessionSubscriptions['filters'][number][]

interface First {
  readonly table: string
  readonly epoch: number
  /** Filters that have a row of their own. */
  readonly others: number
  readonly name: string
  readonly filters: Filters
}

/** Reads a text part by part. */
class Row {
  readonly #text: string
  #at: number

  constructor(text: string, start: number) {
    this.#text = text
    this.#at = start
  }

  get isOver(): boolean {
    return this.#at >= this.#text.length
  }

  /** Up to the next zero character. */
  field(): string {
    const end = this.#text.indexOf('\0', this.#at)
    if (end < 0) throw new RangeError('a row of subscriptions ends early')
    const field = this.#text.slice(this.#at, end)
    this.#at = end + 1
    return field
  }

  take(length: number): string {
    const end = this.#at + length
    if (!(end <= this.#text.length)) throw new RangeError('a row of subscriptions ends early')
    const taken = this.#text.slice(this.#at, end)
    this.#at = end
    return taken
  }

  entry(): Filters[number] {
    const filter = Number(this.field())
    const options = Number(this.field())
    return [this.take(filter), optionsOf(this.take(options))]
  }
}

let last = { text: '', options: Buffer.alloc(0) }

/** Most entries have those of the one before: a `Buffer` for each is a part of what a start with many subscriptions takes. */
function optionsOf(text: string): Buffer {
  if (text !== last.text) last = { text, options: Buffer.from(text, 'latin1') }
  return last.options
}

// Writing

interface Changed extends Pick<SubscriptionChange, 'name' | 'epoch' | 'filters'> {
  readonly table: number
}

export function changeRows(transaction: Transaction, { table, name, epoch, filters }: Changed): void {
  const key = subscriptionKey(table)
  const row = transaction.get(key)
  const first = row && orDamaged(() => decodeFirst(row.toString()))
  const together = new Map(first?.filters)
  let others = first?.others ?? 0
  for (const [filter, options] of filters) {
    if (options === undefined && together.delete(filter)) continue
    if (options !== undefined && together.has(filter)) {
      together.set(filter, options)
      continue
    }
    const own = subscriptionKey(table, filter)
    const hasOwn = others > 0 && transaction.get(own) !== undefined
    if (options === undefined) {
      if (!hasOwn) continue
      transaction.delete(own)
      others -= 1
    } else if (hasOwn || !hasRoom(together, filter)) {
      transaction.put(own, Buffer.from(`${OTHER}${table}\0${encodeEntry(filter, options)}`))
      if (!hasOwn) others += 1
    } else {
      together.set(filter, options)
    }
  }
  transaction.put(key, encodeFirst({ table: String(table), epoch, others, name, filters: [...together] }))
}

function hasRoom(together: ReadonlyMap<string, Uint8Array>, filter: string): boolean {
  if (together.size >= TOGETHER) return false
  let length = filter.length
  for (const each of together.keys()) length += each.length
  return length <= TOGETHER_LENGTH
}

function encodeFirst({ table, epoch, others, name, filters }: First): Buffer {
  const head = `${FIRST}${table}\0${epoch}\0${others}\0${name.length}\0${name}`
  return Buffer.from(head + filters.map(([filter, options]) => encodeEntry(filter, options)).join(''))
}

function encodeEntry(filter: string, options: Uint8Array): string {
  return `${filter.length}\0${options.byteLength}\0${filter}${Buffer.from(options).toString('latin1')}`
}

// Reading

/** Those of each session that has any. What nobody has any more is passed over. */
export async function* readRows(database: Database, range: Range): AsyncIterable<SessionSubscriptions> {
  let first: First | undefined
  for await (const rows of database.texts(range)) {
    for (const row of rows) {
      if (row.startsWith(OTHER)) {
        addOther(first, row)
        continue
      }
      if (first !== undefined && first.filters.length > 0) yield told(first)
      first = orDamaged(() => decodeFirst(row))
    }
  }
  if (first !== undefined && first.filters.length > 0) yield told(first)
}

function told({ name, epoch, filters }: First): SessionSubscriptions {
  return { name, epoch, filters }
}

function decodeFirst(text: string): First {
  if (!text.startsWith(FIRST)) throw new RangeError('a row of subscriptions has a format of another version')
  const row = new Row(text, FIRST.length)
  const table = row.field()
  const epoch = Number(row.field())
  const others = Number(row.field())
  const name = row.take(Number(row.field()))
  const filters: Filters = []
  while (!row.isOver) filters.push(row.entry())
  return { table, epoch, others, name, filters }
}

/** One that is left of a table whose first row is gone has another number. */
function addOther(first: First | undefined, text: string): void {
  orDamaged(() => {
    const row = new Row(text, OTHER.length)
    if (row.field() === first?.table) first.filters.push(row.entry())
  })
}
