/** The cursor of a lookup: where a device is in its two logs after a page, as text that means nothing to it. */
import { createHash } from 'node:crypto'
import { PushError } from '../errors.ts'
import type { Cursors } from '../store/contract.ts'
import type { Page } from './lookup.ts'

/** 1 had no counts. */
const FORMAT = 2
const BYTES = 21
const CHECK = 8

/** Where a page ends, and how many messages of each log are in it. */
export interface Place {
  readonly cursors: Cursors
  readonly messages: Cursors
}

export function placeAfter({ cursors, entries }: Page): Place {
  const own = entries.filter(({ log }) => log === 'private').length
  return { cursors, messages: { private: own, broadcast: entries.length - own } }
}

/**
 * 39 characters base64url: a format byte, two offsets, two counts, and a check that binds them to the token id. The check
 * guards against mix-ups, not against the device itself, which can only lose messages of its own.
 */
export function encodeCursor(tokenId: string, { cursors, messages }: Place): string {
  const bytes = Buffer.alloc(BYTES)
  bytes.writeUInt8(FORMAT, 0)
  bytes.writeBigUInt64BE(BigInt(cursors.private), 1)
  bytes.writeBigUInt64BE(BigInt(cursors.broadcast), 9)
  bytes.writeUInt16BE(Math.min(messages.private, 0xffff), 17)
  bytes.writeUInt16BE(Math.min(messages.broadcast, 0xffff), 19)
  return Buffer.concat([bytes, check(tokenId, bytes)]).toString('base64url')
}

/** @throws CURSOR_INVALID when it is not one, or one of another token id */
export function decodeCursor(tokenId: string, cursor: string): Place {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length !== BYTES + CHECK || bytes.toString('base64url') !== cursor) throw new PushError('CURSOR_INVALID')
  const place = bytes.subarray(0, BYTES)
  if (place[0] !== FORMAT || !check(tokenId, place).equals(bytes.subarray(BYTES))) throw new PushError('CURSOR_INVALID')
  return {
    cursors: { private: Number(place.readBigUInt64BE(1)), broadcast: Number(place.readBigUInt64BE(9)) },
    messages: { private: place.readUInt16BE(17), broadcast: place.readUInt16BE(19) },
  }
}

function check(tokenId: string, place: Buffer): Buffer {
  return createHash('sha256').update(tokenId).update(place).digest().subarray(0, CHECK)
}
