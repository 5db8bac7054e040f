/** The cursor of a lookup: where a device is in its two logs, as text that means nothing to it. */
import { createHash } from 'node:crypto'
import { PushError } from '../errors.ts'
import type { Cursors } from '../store/contract.ts'

const FORMAT = 1
const OFFSETS = 17
const CHECK = 8

/**
 * 34 characters base64url: a format byte, two offsets, and a check that binds them to the token id. The check guards
 * against mix-ups, not against the device itself, which can only lose messages of its own.
 */
export function encodeCursor(tokenId: string, cursors: Cursors): string {
  const bytes = Buffer.alloc(OFFSETS)
  bytes.writeUInt8(FORMAT, 0)
  bytes.writeBigUInt64BE(BigInt(cursors.private), 1)
  bytes.writeBigUInt64BE(BigInt(cursors.broadcast), 9)
  return Buffer.concat([bytes, check(tokenId, bytes)]).toString('base64url')
}

/** @throws CURSOR_INVALID when it is not one, or one of another token id */
export function decodeCursor(tokenId: string, cursor: string): Cursors {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length !== OFFSETS + CHECK || bytes.toString('base64url') !== cursor) throw new PushError('CURSOR_INVALID')
  const offsets = bytes.subarray(0, OFFSETS)
  if (offsets[0] !== FORMAT || !check(tokenId, offsets).equals(bytes.subarray(OFFSETS)))
    throw new PushError('CURSOR_INVALID')
  return { private: Number(offsets.readBigUInt64BE(1)), broadcast: Number(offsets.readBigUInt64BE(9)) }
}

function check(tokenId: string, offsets: Buffer): Buffer {
  return createHash('sha256').update(tokenId).update(offsets).digest().subarray(0, CHECK)
}
