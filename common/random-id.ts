/** Ids that the server makes: of messages, requests and connections. */
import { randomFillSync } from 'node:crypto'

const ID_BYTES = 16
const pool = Buffer.alloc(256 * ID_BYTES)
let at = pool.length

/** 128 random bits in 22 characters of base64url: two thirds of a UUID, which every stored message would carry. */
export function randomId(): string {
  if (at === pool.length) {
    randomFillSync(pool)
    at = 0
  }
  at += ID_BYTES
  return pool.toString('base64url', at - ID_BYTES, at)
}
