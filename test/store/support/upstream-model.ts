/** An upstream log as the contract has it, in plain arrays. A sweep follows each passing of time. */
const KEPT_MS = 7 * 86_400_000

interface Entry {
  readonly offset: number
  readonly owner: number
  readonly expiresAt: number
}

interface Reader {
  cursor: number
  expiresAt: number
  missed: number
  readonly settled: Set<number>
  readonly claimed: Map<number, { member: string; until: number }>
}

export class UpstreamModel {
  readonly counts = { expired: 0, dropped: 0 }
  /** A reader ended in a sweep: of what was kept for it alone, what has expired by then may count as expired or not. */
  readerEnded = false
  /** A member of the group has settled something. */
  hasSettled = false
  readonly #most: number
  #entries: Entry[] = []
  #last = 0
  readonly #readers = new Map<string, Reader>()

  constructor(most: number) {
    this.#most = most
  }

  publish(owner: number, ttl: number, now: number): unknown {
    if (this.#readers.size === 0) return { offset: 0, duplicate: false, read: false }
    const unread = this.#entries.filter((entry) => entry.owner === owner).length
    if (unread > 0 && unread + 1 > this.#most / 10) return 'UPSTREAM_SHARE'
    if (this.#entries.length >= this.#most) {
      const [oldest] = this.#entries.splice(0, 1)
      this.counts.dropped += 1
      for (const reader of this.#readers.values()) if (reader.cursor < (oldest?.offset ?? 0)) reader.missed += 1
    }
    this.#last += 1
    this.#entries.push({ offset: this.#last, owner, expiresAt: now + Math.min(ttl, KEPT_MS) })
    return { offset: this.#last, duplicate: false, read: true }
  }

  open(name: string, expiresAt: number): unknown {
    const reader = this.#readers.get(name)
    if (reader === undefined) {
      const cursor = this.#last
      this.#readers.set(name, { cursor, expiresAt, missed: 0, settled: new Set(), claimed: new Map() })
      return [{ part: 0, cursor, end: this.#last, missed: 0 }]
    }
    const { cursor, missed } = reader
    reader.missed = 0
    reader.expiresAt = Math.max(reader.expiresAt, expiresAt)
    return [{ part: 0, cursor, end: this.#last, missed }]
  }

  close(name: string): void {
    this.#readers.delete(name)
    this.#trim()
  }

  move(name: string, to: number): boolean {
    const reader = this.#readers.get(name)
    if (reader === undefined) return false
    reader.cursor = Math.max(reader.cursor, Math.min(to, this.#last))
    this.#trim()
    return true
  }

  claim(name: string, member: string, most: number, until: number, now: number): number[] {
    const reader = this.#readers.get(name)
    if (reader === undefined) return []
    for (const [offset, claim] of reader.claimed) if (claim.until <= now) reader.claimed.delete(offset)
    const free = this.unread(name).filter((offset) => !reader.settled.has(offset) && !reader.claimed.has(offset))
    for (const offset of free.slice(0, most)) reader.claimed.set(offset, { member, until })
    return free.slice(0, most)
  }

  settle(name: string, member: string, offsets: readonly number[], now: number): void {
    const reader = this.#readers.get(name)
    if (reader === undefined) return
    for (const offset of offsets) {
      const claim = reader.claimed.get(offset)
      if (claim === undefined || claim.member !== member || claim.until <= now) continue
      reader.claimed.delete(offset)
      reader.settled.add(offset)
      this.hasSettled = true
    }
    this.#pass(reader)
    this.#trim()
  }

  release(name: string, member: string): void {
    const claimed = this.#readers.get(name)?.claimed ?? []
    for (const [offset, claim] of claimed) {
      if (claim.member === member) this.#readers.get(name)?.claimed.delete(offset)
    }
  }

  restart(): void {
    for (const { claimed } of this.#readers.values()) claimed.clear()
  }

  sweep(now: number): void {
    const before = this.#entries.length
    this.#entries = this.#entries.filter(({ expiresAt }) => expiresAt > now)
    this.counts.expired += before - this.#entries.length
    for (const [name, reader] of this.#readers) {
      if (reader.expiresAt > now) {
        this.#pass(reader)
        continue
      }
      this.#readers.delete(name)
      this.readerEnded = true
    }
    this.#trim()
  }

  /** Beyond the cursor of a reader. */
  unread(name: string): number[] {
    const cursor = this.#readers.get(name)?.cursor ?? Infinity
    return this.#entries.flatMap(({ offset }) => (offset > cursor ? [offset] : []))
  }

  all(): number[] {
    return this.#entries.map(({ offset }) => offset)
  }

  /** Over what is settled, and what is gone before something that is. */
  #pass(reader: Reader): void {
    const through = Math.max(0, ...reader.settled)
    const open = this.#entries.find(({ offset }) => offset > reader.cursor && !reader.settled.has(offset))
    if (through <= reader.cursor) return
    reader.cursor = Math.max(reader.cursor, open !== undefined && open.offset <= through ? open.offset - 1 : through)
  }

  #trim(): void {
    const lowest = Math.min(...[...this.#readers.values()].map(({ cursor }) => cursor))
    this.#entries = this.#entries.filter(({ offset }) => offset > lowest)
  }
}
