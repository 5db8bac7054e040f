/** Which broadcast of an app is retained for which selector. Never changed: a change makes another one. */
import { decodeSelector, encodeSelector, isForAll, type Selections, type Selector } from '../../topics/index.ts'

export interface RetainedRow {
  readonly offset: number
  /** Expiry; 0: cleared or expired, and it still hides older ones. */
  readonly until: number
}

interface Row extends RetainedRow {
  readonly text: string
  readonly selector: Selector
}

/** What changed, by selector; undefined: it is gone. */
export type RetainedChanges = ReadonlyMap<string, RetainedRow | undefined>

/** Number of cached answers, for a version with tags. */
const ANSWERS = 1_000

export class RetainedIndex {
  readonly #rows = new Map<string, Row>()
  readonly #answers = new Map<string, Row | undefined>()
  #asksForTags = false

  constructor(rows: Iterable<[string, RetainedRow]>) {
    for (const [text, { offset, until }] of rows) {
      const selector = decodeSelector(text)
      this.#rows.set(text, { offset, until, text, selector })
      if (selector.tags !== undefined) this.#asksForTags = true
    }
  }

  /** By offset. */
  get rows(): readonly (RetainedRow & { readonly text: string; readonly selector: Selector })[] {
    return [...this.#rows.values()].sort((one, other) => one.offset - other.offset)
  }

  get size(): number {
    return this.#rows.size
  }

  has(selector: Selector): boolean {
    return this.#rows.has(encodeSelector(selector))
  }

  /** The earliest expiry, 0 when nothing expires. */
  get nextExpiry(): number {
    let next = 0
    for (const { until } of this.#rows.values()) if (until > 0 && (next === 0 || until < next)) next = until
    return next
  }

  /**
   * As with one retained message a topic: the last one that selects the version and the tags is the one, also when it was
   * cleared or has expired. What it replaced does not come back.
   */
  lastFor(
    version: string,
    tags: readonly string[],
    selections: Selections,
  ): { text: string; row: RetainedRow } | undefined {
    // No version or tag has a line feed in it.
    const asked = this.#asksForTags ? [version, ...tags].join('\n') : version
    let last = this.#answers.get(asked)
    if (last === undefined && !this.#answers.has(asked)) {
      for (const row of this.#rows.values()) {
        if ((last === undefined || row.offset > last.offset) && selections.selects(row.selector, version, tags))
          last = row
      }
      if (this.#answers.size >= ANSWERS) this.#answers.clear()
      this.#answers.set(asked, last)
    }
    return last && { text: last.text, row: last }
  }

  /** What a retained message, or a clearing, changes. */
  retain(selector: Selector, row: RetainedRow): RetainedChanges {
    const text = encodeSelector(selector)
    const changes = new Map<string, RetainedRow | undefined>()
    if (isForAll(selector)) {
      // It is the last one for every device, so that no older one can be seen again.
      for (const other of this.#rows.keys()) changes.set(other, undefined)
      changes.set(text, row.until === 0 ? undefined : row)
      return changes
    }
    changes.set(text, row)
    if (row.until > 0) return changes
    return this.with(changes).#withoutNeedless(changes)
  }

  /** What the passing of time changes. */
  expire(now: number): RetainedChanges {
    return this.#cleared(({ until }) => until <= now)
  }

  /** The broadcast at this offset is taken back. */
  recall(of: number): RetainedChanges {
    return this.#cleared(({ offset }) => offset === of)
  }

  #cleared(goes: (row: RetainedRow) => boolean): RetainedChanges {
    const changes = new Map<string, RetainedRow | undefined>()
    for (const row of this.#rows.values()) {
      if (row.until > 0 && goes(row)) changes.set(row.text, { offset: row.offset, until: 0 })
    }
    return changes.size === 0 ? changes : this.with(changes).#withoutNeedless(changes)
  }

  with(changes: RetainedChanges): RetainedIndex {
    const rows = new Map<string, RetainedRow>(this.#rows)
    for (const [text, row] of changes) {
      if (row === undefined) rows.delete(text)
      else rows.set(text, row)
    }
    return new RetainedIndex(rows)
  }

  /** Whether a clearing would hide an older one that another selector retains. */
  hides(selector: Selector, offset: number): boolean {
    const text = encodeSelector(selector)
    for (const other of this.#rows.values()) {
      if (other.until > 0 && other.offset < offset && other.text !== text && mayMeet(selector, other.selector))
        return true
    }
    return false
  }

  #withoutNeedless(changes: Map<string, RetainedRow | undefined>): RetainedChanges {
    for (const { text, selector, offset, until } of this.#rows.values()) {
      if (until === 0 && !this.hides(selector, offset)) changes.set(text, undefined)
    }
    return changes
  }
}

/** Two exact versions never meet; a range, and tags, may meet anything, and to keep a needless clearing costs little. */
function mayMeet(one: Selector, other: Selector): boolean {
  return one.kind !== 'exact' || other.kind !== 'exact' || one.version === other.version
}
