/** The position of a stream of events in the parts of its logs: what acknowledging everything it sent would mean. */
import type { ReaderMove } from '../../store/contract.ts'
import type { EventMoves } from './event-cursor.ts'

export class EventPlace {
  #events: Map<number, ReaderMove>
  #upstream: Map<number, ReaderMove>
  #isTold = true
  #missed = 0

  constructor({ events, upstream }: EventMoves) {
    this.#events = byPart(events)
    this.#upstream = byPart(upstream)
  }

  get moves(): EventMoves {
    return { events: inOrder(this.#events), upstream: inOrder(this.#upstream) }
  }

  /** The client knows where it stands. */
  get isTold(): boolean {
    return this.#isTold
  }

  /** With what a page says besides. False if that is nothing. */
  move({ events, upstream }: EventMoves): boolean {
    for (const move of events) this.#events.set(move.part, move)
    for (const move of upstream) this.#upstream.set(move.part, move)
    const isMoved = events.length + upstream.length > 0
    if (isMoved) this.#isTold = false
    return isMoved
  }

  tell(): EventMoves {
    this.#isTold = true
    return this.moves
  }

  /** Whether the client is to be told: each page tells of what it passes, until that is acknowledged. */
  hasMissed(missed: number): boolean {
    const isNews = missed > 0 && missed !== this.#missed
    this.#missed = missed
    return isNews
  }
}

function byPart(moves: readonly ReaderMove[]): Map<number, ReaderMove> {
  return new Map(moves.map((move) => [move.part, move]))
}

function inOrder(moves: ReadonlyMap<number, ReaderMove>): ReaderMove[] {
  return [...moves.values()].sort((a, b) => a.part - b.part)
}
