/** The broadcast logs: append, read, and which retained broadcast a version gets. */
import { LRUCache } from 'lru-cache'
import { decodeSelector, encodeSelector, Selections, type Selector } from '../../topics/index.ts'
import type {
  Appended,
  BroadcastAppend,
  BroadcastEntry,
  LogSlice,
  ReadLimit,
  RetainedBroadcast,
  StoreObserver,
} from '../contract.ts'
import { fingerprintOf } from '../message.ts'
import type { Client } from './connection.ts'
import { asTime, decodeBroadcast, encodeEntry } from './entry.ts'
import { appsKey, broadcastBase } from './keys.ts'
import type { Lanes, Result } from './lanes.ts'
import { asBytes, asNumber, asSlice, asText } from './steps.ts'
import { LAST_BROADCAST, PUBLISH, READ_BROADCAST, RETAINED_ENTRY, RETAINED_INDEX } from './steps.ts'

interface RetainedRow {
  readonly text: string
  readonly selector: Selector
  readonly offset: number
  /** 0: cleared. */
  readonly expiresAt: number
}

interface RetainedIndex {
  readonly version: number
  readonly rows: readonly RetainedRow[]
}

interface App {
  end: number
  /** When the app is known to be looked at by a sweep. */
  sweepAt: number
  index: RetainedIndex
}

interface BroadcastOptions {
  readonly lanes: Lanes
  readonly client: Client
  readonly prefix: string
  readonly now: () => number
  readonly observer: StoreObserver | undefined
}

/** Apps of which something is remembered, so that they need not be asked for again. */
const KNOWN_APPS = 1_000
/** A retained broadcast that changes between the two looks is looked for again. */
const LOOKS = 3

export class Broadcasts {
  readonly #options: BroadcastOptions
  readonly #apps = new LRUCache<string, App>({ max: KNOWN_APPS })
  readonly #selections = new Selections()

  constructor(options: BroadcastOptions) {
    this.#options = options
  }

  async append({ app, selector, message, dedupe, fingerprint }: BroadcastAppend): Promise<Appended> {
    const { lanes, observer } = this.#options
    const expires = asTime(message.expiresAt)
    this.#sweepAt(app, expires)
    const text = encodeSelector(selector)
    const result = await lanes.run(
      PUBLISH,
      this.#base(app),
      app,
      encodeEntry(message, dedupe, selector),
      expires,
      message.payload.length,
      message.retain,
      text,
      message.id,
      dedupe ? (fingerprint ?? fingerprintOf(message, text)) : false,
    )
    const offset = asNumber(result[0])
    if (result[1] === true) return { offset, duplicate: true, expiresAt: asNumber(result[3]), dropped: 0 }
    const dropped = asNumber(result[2])
    const expired = asNumber(result[3])
    this.endIs(app, offset)
    if (dropped > 0) observer?.dropped('broadcast', dropped)
    if (expired > 0) observer?.expired('broadcast', expired)
    return { offset, duplicate: false, expiresAt: message.expiresAt, dropped }
  }

  async read(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    const result = await this.#options.lanes.run(READ_BROADCAST, this.#base(app), after, limit.entries, limit.bytes)
    const slice = asSlice(result, decodeBroadcast)
    this.endIs(app, slice.end)
    const dropped = result.length % 2 === 1 ? asNumber(result.at(-1)) : 0
    return dropped > 0 ? { ...slice, droppedThrough: dropped } : slice
  }

  /** The end of the log, as it is now. */
  async end(app: string): Promise<number> {
    const result = await this.#options.lanes.run(LAST_BROADCAST, this.#base(app))
    const end = asNumber(result[0])
    this.endIs(app, end)
    return end
  }

  /** A cursor, cut to the end of the log. The log is asked only when the cursor is beyond what is known of it. */
  async cut(app: string, cursor: number): Promise<number> {
    const known = this.#apps.get(app)?.end ?? 0
    return cursor <= known ? cursor : Math.min(cursor, await this.end(app))
  }

  endIs(app: string, end: number): void {
    const known = this.#app(app)
    if (end > known.end) known.end = end
  }

  /** Redis may hold another log than what is remembered here. */
  forget(): void {
    this.#apps.clear()
  }

  async retained(app: string, version: string, tags: readonly string[]): Promise<BroadcastEntry | undefined> {
    for (let look = 0; look < LOOKS; look += 1) {
      const row = lastMatch(await this.#index(app), (selector) => this.#selections.selects(selector, version, tags))
      if (row === undefined || row.expiresAt <= this.#options.now()) return undefined
      const result = await this.#options.lanes.run(RETAINED_ENTRY, this.#base(app), row.text)
      if (result.length > 0 && asNumber(result[0]) === row.offset)
        return decodeBroadcast(row.offset, asBytes(result[1]))
    }
    return undefined
  }

  /** What is retained and not expired, and what hides older ones. */
  async allRetained(app: string): Promise<readonly RetainedBroadcast[]> {
    const { lanes, now } = this.#options
    const { rows } = await this.#index(app)
    const all = rows.map(async ({ text, selector, offset, expiresAt }): Promise<RetainedBroadcast> => {
      if (expiresAt <= now()) return { selector, offset }
      const result = await lanes.run(RETAINED_ENTRY, this.#base(app), text)
      if (result.length === 0 || asNumber(result[0]) !== offset) return { selector, offset }
      return { selector, offset, entry: decodeBroadcast(offset, asBytes(result[1])) }
    })
    return (await Promise.all(all)).sort((one, other) => one.offset - other.offset)
  }

  async #index(app: string): Promise<RetainedIndex> {
    const known = this.#app(app)
    const result = await this.#options.lanes.run(RETAINED_INDEX, this.#base(app), known.index.version)
    const version = asNumber(result[0])
    if (version !== known.index.version) known.index = { version, rows: readRows(result) }
    return known.index
  }

  #base(app: string): string {
    return broadcastBase(this.#options.prefix, app)
  }

  #app(app: string): App {
    let known = this.#apps.get(app)
    if (known !== undefined) return known
    known = { end: 0, sweepAt: Infinity, index: { version: 0, rows: [] } }
    this.#apps.set(app, known)
    return known
  }

  /**
   * Has the app swept at this time or earlier. Another slot than the log in a Cluster, so it cannot be one step with the
   * append; when it is lost, the next append does it again.
   */
  #sweepAt(app: string, time: number): void {
    const known = this.#app(app)
    if (known.sweepAt <= time && known.sweepAt > this.#options.now()) return
    known.sweepAt = time
    this.#options.client.zadd(appsKey(this.#options.prefix), 'LT', time, app).catch(() => {
      known.sweepAt = Infinity
    })
  }
}

function readRows(result: Result): readonly RetainedRow[] {
  const rows: RetainedRow[] = []

  for (let at = 1; at + 2 < result.length; at += 3) {
    const text = asText(result[at])
    rows.push({
      text,
      selector: decodeSelector(text),
      offset: asNumber(result[at + 1]),
      expiresAt: asNumber(result[at + 2]),
    })
  }
  return rows
}

/** As with one retained message a topic: the last one whose selector matches is the one, also when it was cleared. */
function lastMatch(index: RetainedIndex, selects: (selector: Selector) => boolean): RetainedRow | undefined {
  let last: RetainedRow | undefined
  for (const row of index.rows) {
    if ((last === undefined || row.offset > last.offset) && selects(row.selector)) last = row
  }
  return last
}
