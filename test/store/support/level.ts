/** The embedded engine in a folder of the test's own. */
import { ClassicLevel } from 'classic-level'
import type { Test } from 'tap'
import { type LevelStoreOptions, openLevelStore, type Store, type TokenDetails } from '../../../store/index.ts'
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
export function register(store: Store, tokenId = TOKEN, now = Date.now(), details: Partial<TokenDetails> = {}) {
  const expiresAt = now + 365 * 86_400_000
  return store.registerToken({ tokenId, app: 'weather', deviceMark: 'phone', expiresAt, details })
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

/** What is on disk, of a store that is closed meanwhile. */
export async function onDisk<T>(
  { store, directory }: Opened,
  work: (level: ClassicLevel<Buffer, Buffer>) => Promise<T>,
): Promise<T> {
  await store.close()
  const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const result = await work(level)
  await level.close()
  await store.open()
  return result
}

/** How many keys there are of each kind. */
export async function kindsOf(opened: Opened): Promise<Record<number, number>> {
  const keys = await onDisk(opened, (level) => level.keys().all())
  const counts: Record<number, number> = {}
  for (const [kind = 0] of keys) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** To sessions by name. */
export function deliver(
  store: Store,
  names: readonly string[],
  { uid, qos = 1, ...draft }: Draft & { readonly uid?: string; readonly qos?: 1 | 2 } = {},
) {
  return store.appendSessions({
    topic: 'general/topic',
    message: message(draft),
    to: names.map((name) => ({ name, qos, retain: false, identifiers: [] })),
    ...(uid === undefined ? {} : { uid }),
  })
}

export async function entriesOf(store: Store, name: string) {
  return (await store.readSession(name, 0, { entries: 10_000, bytes: Infinity })).entries
}
