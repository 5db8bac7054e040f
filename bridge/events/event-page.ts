/**
 * One page of events for a consumer, part by part. Each part is read in order, so that the events of a token id stay in
 * order. The cursors of all parts determine where a page starts: the page stays the same until something is
 * acknowledged, and then moves on. A part gives no more than its share while others have events too.
 */
import { appOfEventLog, type Part, type ReaderMove, type Store, type UnreadSlice } from '../../store/contract.ts'
import { eventOf, type EventAnswer } from './event-answer.ts'
import type { EventMoves } from './event-cursor.ts'
import type { EventTypes } from './event-types.ts'
import type { Standing } from './standing.ts'

/** Parts that are read at one time. */
const AT_ONCE = 16
/** From one page to the next: odd, so that every part comes first in its turn, and far, as few parts may be busy. */
const STRIDE = 157
/** Entries of one read where few of them may be wanted. */
const SCAN = 128

export interface PageLimits {
  /** Events in the page. */
  readonly events: number
  /** Of payloads in it; one event always fits. */
  readonly bytes: number
  /** Entries that are gone through in search of events. */
  readonly scan: number
}

/** A part of a log. */
interface Place {
  readonly standing: Standing
  readonly part: Part
  /** Everything up to here is in the page, or not wanted. */
  at: number
  missed: number
  isMoved: boolean
}

export class EventPage {
  readonly events: EventAnswer[] = []
  /** There is, or may be, more than is in the page. */
  more = false
  readonly #store: Pick<Store, 'readUnread' | 'upstreamParts'>
  readonly #types: EventTypes
  readonly #limits: PageLimits
  readonly #places: Place[]
  #bytes = 0
  #looked = 0

  constructor(
    store: Pick<Store, 'readUnread' | 'upstreamParts'>,
    standings: readonly Standing[],
    types: EventTypes,
    limits: PageLimits,
    from: EventMoves = { events: [], upstream: [] },
  ) {
    this.#store = store
    this.#types = types
    this.#limits = limits
    const parts = Array.from({ length: store.upstreamParts }, (_, part) => part)
    const places = standings.flatMap((standing) => {
      const moves = appOfEventLog(standing.log) === undefined ? from.upstream : from.events
      const sent = new Map(moves.map(({ part, cursor }) => [part, cursor]))
      const at = (part: Part) => Math.max(standing.cursor(part), sent.get(part) ?? 0)
      return parts.map((part): Place => ({ standing, part, at: at(part), missed: 0, isMoved: false }))
    })
    const sum = places.reduce((rest, { at }) => (rest + at) % places.length, 0)
    const first = (sum * STRIDE) % places.length
    this.#places = [...places.slice(first), ...places.slice(0, first)]
  }

  /** What is in the page, or passed by it, and was lost before it could be. */
  get missed(): number {
    return this.#places.reduce((sum, { isMoved, missed }) => (isMoved ? sum + missed : sum), 0)
  }

  get isEmpty(): boolean {
    return this.events.length === 0 && this.missed === 0
  }

  /** What to acknowledge. */
  get moves(): EventMoves {
    const moves = this.#places
      .filter(({ isMoved }) => isMoved)
      .sort((a, b) => a.part - b.part)
      .map(({ standing, part, at, missed }) => ({
        isEvent: appOfEventLog(standing.log) !== undefined,
        move: { part, cursor: at, missed } satisfies ReaderMove,
      }))
    const of = (wanted: boolean) => moves.flatMap(({ isEvent, move }) => (isEvent === wanted ? [move] : []))
    return { events: of(true), upstream: of(false) }
  }

  /** Reads on. Goes on where it was when more has been stored meanwhile. */
  async fill(): Promise<void> {
    this.#looked = 0
    for (;;) {
      const ready = this.#places.filter(({ standing, part, at }) => at < standing.end(part))
      this.more = ready.length > 0
      if (ready.length === 0 || this.#isFull) return
      const share = Math.max(1, Math.floor((this.#limits.events - this.events.length) / ready.length))
      if (!(await this.#round(ready, share))) return
    }
  }

  /** False if it goes no further now. */
  async #round(ready: readonly Place[], share: number): Promise<boolean> {
    for (let from = 0; from < ready.length && !this.#isFull; from += AT_ONCE) {
      const some = ready.slice(from, from + AT_ONCE)
      const bytes = Math.max(1, Math.floor((this.#limits.bytes - this.#bytes) / some.length))
      const entries = this.#types.isAll ? share : Math.max(share, SCAN)
      const reads = some.map((place) => this.#read(place, { entries, bytes }))
      for (const [at, { isKnown, slice, missed }] of (await Promise.all(reads)).entries()) {
        const place = some[at]
        if (place === undefined || this.#isFull) continue
        // It has ended, or was lost: the next request opens it again.
        if (!isKnown) {
          place.standing.doubt()
          return false
        }
        place.missed = missed
        this.#take(place, slice, share)
      }
    }
    return true
  }

  async #read({ standing, part, at }: Place, limit: { entries: number; bytes: number }): Promise<UnreadSlice> {
    const { log, reader } = standing
    const known = standing.end(part)
    const read = await this.#store.readUnread({ app: log, reader, part, after: at, limit })
    standing.found(part, Math.max(read.slice.end, read.slice.readTo), known)
    return read
  }

  #take(place: Place, { entries, readTo }: UnreadSlice['slice'], share: number): void {
    const { log } = place.standing
    const isLogged = appOfEventLog(log) !== undefined
    let taken = 0
    for (const entry of entries) {
      if (taken === share || this.#isFull) return
      this.#looked++
      if (!isLogged || this.#types.hasEvent(entry.subject)) {
        taken++
        this.#bytes += entry.payload.byteLength
        this.events.push(eventOf(log, entry))
      }
      move(place, entry.offset)
    }
    move(place, readTo)
  }

  get #isFull(): boolean {
    const { events, bytes, scan } = this.#limits
    return this.events.length >= events || this.#bytes >= bytes || this.#looked >= scan
  }
}

function move(place: Place, offset: number): void {
  if (offset <= place.at) return
  place.at = offset
  place.isMoved = true
}
