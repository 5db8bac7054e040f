/** The embedded engine in a folder of the test's own. */
import type { Test } from 'tap'
import { type LevelStoreOptions, openLevelStore, type Store } from '../../../store/index.ts'
import { temporaryFolder } from '../../support/folders.ts'

export type LevelOptions = Partial<LevelStoreOptions>

export interface Opened {
  readonly store: Store
  readonly directory: string
}

/** Without background sweeps; closed with the test. */
export async function openLevel(t: Test, options: LevelOptions = {}): Promise<Opened> {
  const directory = options.directory ?? temporaryFolder(t, 'level')
  const store = openLevelStore({ ...options, directory, limits: { sweepMs: 2 ** 31 - 1, ...options.limits } })
  await store.open()
  t.teardown(() => store.close())
  return { store, directory }
}

export const TOKEN = 'AAAAAAAAAAAAAAAAAAAAAA'
export const OTHER = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** Registers, for a year. */
export function register(store: Store, tokenId = TOKEN, now = Date.now()) {
  return store.registerToken({ tokenId, app: 'weather', deviceMark: 'phone', expiresAt: now + 365 * 86_400_000 })
}

export interface Draft {
  readonly id?: string
  readonly ttl?: number
  readonly now?: number
  readonly payload?: string
  readonly retain?: boolean
}

export function message({
  id = 'id',
  ttl = 3_600_000,
  now = Date.now(),
  payload = 'hello',
  retain = false,
}: Draft = {}) {
  return { id, payload: Buffer.from(payload), retain, storedAt: now, expiresAt: now + ttl }
}

export async function texts(store: Store, tokenId = TOKEN): Promise<string[]> {
  const { entries } = await store.readPrivate(tokenId, 0, { entries: 10_000, bytes: Infinity })
  return entries.map(({ payload }) => Buffer.from(payload).toString())
}
