/** Generated ids of messages, requests and connections. */
import { randomFillSync } from 'node:crypto'

const ID_BYTES = 16
const POOL_IDS = 256

/**
 * Returns a generator of ids: 128 random bits in 22 characters of base64url, two thirds of the length of a UUID,
 * because every stored message carries one. Random bytes are drawn in batches.
 */
export function createRandomId(): () => string {
  const pool = Buffer.alloc(POOL_IDS * ID_BYTES)
  let at = pool.length
  return () => {
    if (at === pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += ID_BYTES
    return pool.toString('base64url', at - ID_BYTES, at)
  }
}
