/** The cursor of a lookup: the position of a device in its two logs after a page, as opaque text. */
import { createHash } from 'node:crypto'
import { PushError } from '../errors.ts'
import type { Skipped } from '../store/contract.ts'
import type { Device } from '../topics/index.ts'
import { Numbers, pushNumber } from './varints.ts'

/**
 * 1 had no counts, 2 no version and nothing that was skipped, 3 nothing that expired and no broadcasts to be counted, 4 eight
 * bytes for each offset of a list: too long for a header that a browser sends back.
 */
const FORMAT = 5
const EARLIER = [3, 4]
const NUMBERS = 21
const VERSION = 4
const OFFSET = 8
const CHECK = 8

export interface PageCursor {
  readonly private: number
  /** For the version of the token that looked up. */
  readonly broadcast: number
  /** What was skipped before, and is on the page. */
  readonly taken: Skipped
  /** How many messages of each log are on the page. */
  readonly messages: { readonly private: number; readonly broadcast: number }
  /** Of the private log: what had expired before it could be on the page, where somebody is told of its end. At most 255. */
  readonly expired: readonly number[]
  /** Broadcasts on the page whose acknowledgements are counted. At most 255. */
  readonly counted: readonly number[]
}

/** Entries of a list of a cursor. */
export const MOST_LISTED = 255

type Holder = Pick<Device, 'tokenId' | 'version'>

/**
 * Base64url: a format byte, two offsets, two counts, a mark of the version, four lists of offsets, and a check that binds all
 * of it to the token id. The check guards against mix-ups, not against the device itself, which can only lose messages of its own.
 */
export function encodePageCursor({ tokenId, version }: Holder, cursor: PageCursor): string {
  const { taken, messages, expired, counted } = cursor
  const bytes = Buffer.alloc(NUMBERS)
  bytes.writeUInt8(FORMAT, 0)
  bytes.writeBigUInt64BE(BigInt(cursor.private), 1)
  bytes.writeBigUInt64BE(BigInt(cursor.broadcast), 9)
  bytes.writeUInt16BE(Math.min(messages.private, 0xffff), 17)
  bytes.writeUInt16BE(Math.min(messages.broadcast, 0xffff), 19)
  const lists = [taken.private, taken.broadcast, expired, counted].map(listOf)
  const all = Buffer.concat([bytes, markOf(version), ...lists])
  return Buffer.concat([all, check(tokenId, all)]).toString('base64url')
}

/**
 * Without a broadcast cursor where the lookup was with a token of another version: what is for both stays pending.
 * @throws CURSOR_INVALID when it is not one, or one of another token id
 */
export function decodePageCursor({ tokenId, version }: Holder, cursor: string): PageCursor {
  const bytes = Buffer.from(cursor, 'base64url')
  const all = bytes.subarray(0, -CHECK)
  const [format = 0] = all
  const isWhole =
    bytes.toString('base64url') === cursor &&
    all.length >= NUMBERS + VERSION + 2 &&
    (format === FORMAT || EARLIER.includes(format))
  if (!isWhole || !check(tokenId, all).equals(bytes.subarray(-CHECK))) throw new PushError('CURSOR_INVALID')
  const [own = [], shared = [], expired = [], counted = []] = readLists(format, all.subarray(NUMBERS + VERSION))
  const isSame = markOf(version).equals(all.subarray(NUMBERS, NUMBERS + VERSION))
  return {
    private: Number(all.readBigUInt64BE(1)),
    broadcast: isSame ? Number(all.readBigUInt64BE(9)) : 0,
    taken: { private: own, broadcast: isSame ? shared : [] },
    messages: { private: all.readUInt16BE(17), broadcast: isSame ? all.readUInt16BE(19) : 0 },
    expired,
    counted: isSame ? counted : [],
  }
}

function markOf(version: string | undefined): Buffer {
  return createHash('sha256')
    .update(`version ${version ?? ''}`)
    .digest()
    .subarray(0, VERSION)
}

/** A store keeps 100 messages of a log that were skipped. What follows the first offset are distances. */
function listOf(offsets: readonly number[]): Buffer {
  const ascending = [...offsets].sort((a, b) => a - b)
  const bytes: number[] = []
  pushNumber(bytes, ascending.length)
  for (const [index, offset] of ascending.entries()) pushNumber(bytes, offset - (ascending[index - 1] ?? 0))
  return Buffer.from(bytes)
}

function readLists(format: number, bytes: Buffer): number[][] {
  if (format !== FORMAT) return readEarlierLists(format === 3 ? 2 : 4, bytes)
  const numbers = new Numbers(bytes)
  const lists = [readList(numbers), readList(numbers), readList(numbers), readList(numbers)]
  if (!numbers.isRead) throw new PushError('CURSOR_INVALID')
  return lists
}

function readList(numbers: Numbers): number[] {
  const offsets: number[] = []
  let offset = 0
  for (let left = numbers.next(); left > 0; left--) offsets.push((offset += numbers.next()))
  return offsets
}

/** @param count of the lists; each begins with a byte that says how long it is */
function readEarlierLists(count: number, bytes: Buffer): number[][] {
  const lists: number[][] = []
  let at = 0
  while (lists.length < count) {
    const length = bytes[at] ?? 0
    const end = at + 1 + length * OFFSET
    if (end > bytes.length) throw new PushError('CURSOR_INVALID')
    const from = at + 1
    lists.push(Array.from({ length }, (_, index) => Number(bytes.readBigUInt64BE(from + index * OFFSET))))
    at = end
  }
  if (at !== bytes.length) throw new PushError('CURSOR_INVALID')
  return lists
}

function check(tokenId: string, bytes: Buffer): Buffer {
  return createHash('sha256').update(tokenId).update(bytes).digest().subarray(0, CHECK)
}
