/** The cursor of a page of events: the position of a reader in the parts of its logs, as opaque text. */
import { createHash } from 'node:crypto'
import { PushError } from '../../errors.ts'
import type { ReaderMove } from '../../store/contract.ts'
import { Numbers, pushNumber } from '../varints.ts'

const FORMAT = 1
const CHECK = 8

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
    pushNumber(bytes, moves.length)
    let before = -1
    for (const { part, cursor, missed = 0 } of moves) {
      pushNumber(bytes, part - before - 1)
      pushNumber(bytes, cursor)
      pushNumber(bytes, missed)
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

function check({ app, reader, parts }: CursorOwner, bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([app, reader, parts]))
    .update(bytes)
    .digest()
    .subarray(0, CHECK)
}
