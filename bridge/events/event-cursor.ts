/** The cursor of a page of events: up to where a reader has seen the parts of its logs, as text that means nothing to it. */
import { createHash } from 'node:crypto'
import { PushError } from '../../errors.ts'
import type { ReaderMove } from '../../store/contract.ts'

const FORMAT = 1
const CHECK = 8
/** Seven bits each. */
const MOST_DIGITS = 8

/** Whose cursor it is. */
export interface CursorOwner {
  readonly app: string
  readonly reader: string
  /** How many each of its logs has. */
  readonly parts: number
}

export interface EventMoves {
  /** Ascending by part. */
  readonly events: readonly ReaderMove[]
  readonly upstream: readonly ReaderMove[]
}

/**
 * Base64url: a format byte, the moves of each log, and a check that binds all of it to the app, the reader and the number of
 * parts. The check guards against mix-ups, not against the reader itself, which can only lose events of its own.
 */
export function encodeEventCursor(owner: CursorOwner, { events, upstream }: EventMoves): string {
  const bytes = [FORMAT]
  for (const moves of [events, upstream]) {
    push(bytes, moves.length)
    let before = -1
    for (const { part, cursor, missed = 0 } of moves) {
      push(bytes, part - before - 1)
      push(bytes, cursor)
      push(bytes, missed)
      before = part
    }
  }
  const all = Buffer.from(bytes)
  return Buffer.concat([all, check(owner, all)]).toString('base64url')
}

/** @throws CURSOR_INVALID when it is not one, or one of another reader */
export function decodeEventCursor(owner: CursorOwner, cursor: string): EventMoves {
  const bytes = Buffer.from(cursor, 'base64url')
  const all = bytes.subarray(0, -CHECK)
  const isWhole = all[0] === FORMAT && bytes.toString('base64url') === cursor
  if (!isWhole || !check(owner, all).equals(bytes.subarray(-CHECK))) throw new PushError('CURSOR_INVALID')
  const numbers = new Numbers(all.subarray(1))
  const moves = { events: movesOf(numbers, owner.parts), upstream: movesOf(numbers, owner.parts) }
  if (!numbers.isRead) throw new PushError('CURSOR_INVALID')
  return moves
}

function movesOf(numbers: Numbers, parts: number): ReaderMove[] {
  const count = numbers.next()
  const moves: ReaderMove[] = []
  let part = -1
  while (moves.length < count) {
    part += numbers.next() + 1
    if (part >= parts) throw new PushError('CURSOR_INVALID')
    const cursor = numbers.next()
    const missed = numbers.next()
    moves.push(missed === 0 ? { part, cursor } : { part, cursor, missed })
  }
  return moves
}

function push(bytes: number[], number: number): void {
  let rest = number
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
}

class Numbers {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isRead(): boolean {
    return this.#at === this.#bytes.length
  }

  /** @throws CURSOR_INVALID */
  next(): number {
    let number = 0
    for (let digit = 0; digit < MOST_DIGITS; digit++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      number += (byte & 0x7f) * 0x80 ** digit
      if (byte < 0x80 && Number.isSafeInteger(number)) return number
    }
    throw new PushError('CURSOR_INVALID')
  }
}

function check({ app, reader, parts }: CursorOwner, bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([app, reader, parts]))
    .update(bytes)
    .digest()
    .subarray(0, CHECK)
}
