/** The cursor of a lookup: where a device is in its two logs after a page, as text that means nothing to it. */
import { createHash } from 'node:crypto'
import { PushError } from '../errors.ts'
import type { Skipped } from '../store/contract.ts'
import type { Device } from '../topics/index.ts'

/** 1 had no counts, 2 no version and nothing that was skipped, 3 nothing that expired and no broadcasts to be counted. */
const FORMAT = 4
const FORMER = 3
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

/** Entries of a list of a cursor, which has a byte for their number. */
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
  const isWhole =
    bytes.toString('base64url') === cursor &&
    all.length >= NUMBERS + VERSION + 2 &&
    (all[0] === FORMAT || all[0] === FORMER)
  if (!isWhole || !check(tokenId, all).equals(bytes.subarray(-CHECK))) throw new PushError('CURSOR_INVALID')
  const own = readList(all, NUMBERS + VERSION)
  const shared = readList(all, own.end)
  const expired = all[0] === FORMER ? { offsets: [], end: shared.end } : readList(all, shared.end)
  const counted = all[0] === FORMER ? { offsets: [], end: expired.end } : readList(all, expired.end)
  if (counted.end !== all.length) throw new PushError('CURSOR_INVALID')
  const isSame = markOf(version).equals(all.subarray(NUMBERS, NUMBERS + VERSION))
  return {
    private: Number(all.readBigUInt64BE(1)),
    broadcast: isSame ? Number(all.readBigUInt64BE(9)) : 0,
    taken: { private: own.offsets, broadcast: isSame ? shared.offsets : [] },
    messages: { private: all.readUInt16BE(17), broadcast: isSame ? all.readUInt16BE(19) : 0 },
    expired: expired.offsets,
    counted: isSame ? counted.offsets : [],
  }
}

function markOf(version: string | undefined): Buffer {
  return createHash('sha256')
    .update(`version ${version ?? ''}`)
    .digest()
    .subarray(0, VERSION)
}

/** A store keeps 100 messages of a log that were skipped. */
function listOf(offsets: readonly number[]): Buffer {
  const bytes = Buffer.alloc(1 + offsets.length * OFFSET)
  bytes.writeUInt8(offsets.length, 0)
  for (const [index, offset] of offsets.entries()) bytes.writeBigUInt64BE(BigInt(offset), 1 + index * OFFSET)
  return bytes
}

function readList(bytes: Buffer, at: number): { offsets: number[]; end: number } {
  const count = bytes[at] ?? 0
  const end = at + 1 + count * OFFSET
  if (end > bytes.length) throw new PushError('CURSOR_INVALID')
  const offsets = Array.from({ length: count }, (_, index) => Number(bytes.readBigUInt64BE(at + 1 + index * OFFSET)))
  return { offsets, end }
}

function check(tokenId: string, bytes: Buffer): Buffer {
  return createHash('sha256').update(tokenId).update(bytes).digest().subarray(0, CHECK)
}
