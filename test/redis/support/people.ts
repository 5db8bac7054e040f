/** Token ids and messages for tests of the Redis engine. */
import type { Message, RegisteredToken, Store, TokenId } from '../../../store/contract.ts'
import { deviceMark, tokenId } from '../../../topics/index.ts'

export const APP = 'weather'
export const ALL = { entries: 10_000, bytes: Infinity }
export const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' }
const KEY = Buffer.alloc(32, 7)
const YEAR = 365 * 24 * 3_600_000
const HOUR = 3_600_000

export function idOf(device: string, account = 'anna'): TokenId {
  return tokenId(KEY, { app: APP, device, account })
}

export function register(store: Store, device: string, account = 'anna'): Promise<RegisteredToken> {
  const expiresAt = Date.now() + YEAR
  const mark = deviceMark(APP, device)
  return store.registerToken({ tokenId: idOf(device, account), app: APP, deviceMark: mark, expiresAt })
}

/** A registered token id. */
export async function known(store: Store, device: string, account = 'anna'): Promise<TokenId> {
  await register(store, device, account)
  return idOf(device, account)
}

export function message(id: string, payload: string | Uint8Array = id): Message {
  const now = Date.now()
  return { id, payload: Buffer.from(payload), retain: false, storedAt: now, expiresAt: now + HOUR }
}

export async function ids(store: Store, token: TokenId, after = 0): Promise<string[]> {
  return (await store.readPrivate(token, after, ALL)).entries.map((entry) => entry.id)
}
