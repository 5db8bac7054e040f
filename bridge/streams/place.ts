/**
 * The position of a stream of messages: what acknowledging everything it sent would mean. Every event carries it as its
 * id, so the last event is enough for a client to resume.
 */
import type { Cursors, Skipped, TokenRecord } from '../../store/contract.ts'
import { moveCursors, standing } from '../../store/marks.ts'
import type { Device } from '../../topics/index.ts'
import type { Page, PageStart } from '../lookup.ts'
import { MOST_LISTED, type PageCursor } from '../page-cursor.ts'

const NOWHERE: PageCursor = {
  private: 0,
  broadcast: 0,
  taken: { private: [], broadcast: [] },
  messages: { private: 0, broadcast: 0 },
  expired: [],
  counted: [],
}

const ENDLESS = { private: Number.POSITIVE_INFINITY, broadcast: Number.POSITIVE_INFINITY }

export class Place {
  readonly #device: Device
  #cursor: PageCursor
  #isTold = true

  /** `resumed`: the client has all up to there; absent: it goes on after what is acknowledged. */
  constructor(device: Device, resumed: PageCursor = NOWHERE) {
    this.#device = device
    this.#cursor = resumed
  }

  /** Where the next page begins, given what is acknowledged by now. */
  start({ cursors }: TokenRecord): PageStart {
    this.#forget(cursors)
    const { tokenId, version } = this.#device
    const { private: own, broadcast, taken, expired } = this.#cursor
    const passed = version === undefined || broadcast === 0 ? {} : { passed: [[version, broadcast] as const] }
    return {
      cursors: moveCursors(cursors, { tokenId, private: own, taken, ...passed }, ENDLESS),
      room: MOST_LISTED - expired.length,
    }
  }

  get cursor(): PageCursor {
    return this.#cursor
  }

  /** The client was told of more than the logs have had: by another store, or by this one before it lost its data. */
  isBeyond(ends: Page['ends'], { cursors }: TokenRecord): boolean {
    const { private: own, broadcast } = this.#cursor
    return own > Math.max(ends.private, cursors.private) || broadcast > Math.max(ends.broadcast, cursors.broadcast)
  }

  /** It stands where a page that began at `before` says. True if that is further on. */
  move(before: PageCursor, page: PageCursor): boolean {
    const { private: own, broadcast } = this.#cursor
    this.#cursor = sumOf(before, page)
    const isMoved = this.#cursor.private > own || this.#cursor.broadcast > broadcast
    this.#isTold &&= !isMoved
    return this.#cursor.private > before.private || this.#cursor.broadcast > before.broadcast || hasTaken(page)
  }

  /** What the client is told now. */
  tell(): PageCursor {
    this.#isTold = true
    return this.#cursor
  }

  /** What the client was not told of yet: it passed what is not for the device. */
  untold(): PageCursor | undefined {
    return this.#isTold ? undefined : this.tell()
  }

  /** What is acknowledged by now need not be listed any more. */
  #forget(cursors: Cursors): void {
    const { version } = this.#device
    const own = cursors.private
    const shared = version === undefined ? cursors.broadcast : standing(cursors, version)
    const { taken, expired, counted } = this.#cursor
    this.#cursor = {
      ...this.#cursor,
      taken: stillSkipped(taken, cursors),
      expired: expired.filter((offset) => offset > own),
      counted: counted.filter((offset) => offset > shared || taken.broadcast.includes(offset)),
    }
  }
}

/** What acknowledging both says. */
function sumOf(some: PageCursor, more: PageCursor): PageCursor {
  return {
    private: Math.max(some.private, more.private),
    broadcast: Math.max(some.broadcast, more.broadcast),
    taken: {
      private: joined(some.taken.private, more.taken.private),
      broadcast: joined(some.taken.broadcast, more.taken.broadcast),
    },
    messages: {
      private: some.messages.private + more.messages.private,
      broadcast: some.messages.broadcast + more.messages.broadcast,
    },
    expired: joined(some.expired, more.expired),
    // Their counts are approximate: of more than there is room for, those of the first are not made.
    counted: joined(some.counted, more.counted).slice(-MOST_LISTED),
  }
}

function hasTaken({ taken }: PageCursor): boolean {
  return taken.private.length + taken.broadcast.length > 0
}

function joined(some: readonly number[], more: readonly number[]): readonly number[] {
  return more.length === 0 ? some : [...new Set([...some, ...more])]
}

function stillSkipped(taken: Skipped, { marks }: Cursors): Skipped {
  return {
    private: taken.private.filter((offset) => marks?.skippedPrivate.includes(offset) === true),
    broadcast: taken.broadcast.filter((offset) => marks?.skippedBroadcast.includes(offset) === true),
  }
}
