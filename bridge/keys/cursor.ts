/** The end of a page of keys: the keys before it are older. */
import type { StoredKey } from '../../auth/index.ts'
import { PushError } from '../../errors.ts'

type Place = Pick<StoredKey, 'createdAt' | 'id'>

/** Version, when it was made, id. */
const CURSOR = /^1\.(\d{1,16})\.([0-9A-Za-z]+)$/

export function encodeKeyCursor({ createdAt, id }: Place): string {
  return Buffer.from(`1.${createdAt}.${id}`).toString('base64url')
}

/** @throws CURSOR_INVALID */
export function decodeKeyCursor(cursor: string): Place {
  const [, createdAt, id = ''] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  if (createdAt === undefined) throw new PushError('CURSOR_INVALID')
  return { createdAt: Number(createdAt), id }
}

export function inOrder(one: Place, other: Place): number {
  if (one.createdAt !== other.createdAt) return one.createdAt - other.createdAt
  if (one.id === other.id) return 0
  return one.id < other.id ? -1 : 1
}
