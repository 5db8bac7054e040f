/** Many devices at once, through the store itself: what a test looks at is not how they came to be known. */
import { openRedisStore } from '../../../store/redis/index.ts'
import type { Store } from '../../../store/contract.ts'
import { deviceMark, tokenId } from '../../../topics/index.ts'
import type { Scope } from '../../support/index.ts'

const KEY = Buffer.alloc(32, 7)
const YEAR = 365 * 24 * 3_600_000
const TOGETHER = 2_000
const A_STATE = Buffer.alloc(60, 1)

export async function openStore(t: Scope, url: string): Promise<Store> {
  const store = openRedisStore({ url, limits: { redisTimeoutMs: 60_000 } })
  await store.open()
  t.teardown(() => store.close())
  return store
}

async function forAll(count: number, work: (number: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += TOGETHER) {
    const length = Math.min(TOGETHER, count - from)
    await Promise.all(Array.from({ length }, (_, position) => work(from + position)))
  }
}

function names(app: string, number: number) {
  return { app, device: `device-${number}`, account: 'ann' }
}

/** Registers this many devices of an app. */
export function registerDevices(store: Store, app: string, count: number): Promise<void> {
  const expiresAt = Date.now() + YEAR
  return forAll(count, (number) => {
    const device = names(app, number)
    const mark = deviceMark(app, device.device)
    return store.registerToken({ tokenId: tokenId(KEY, device), app, deviceMark: mark, expiresAt })
  })
}

/** Leaves a session that was kept by each of them. */
export async function storeSessions(store: Store, app: string, count: number): Promise<void> {
  await registerDevices(store, app, count)
  await forAll(count, async (number) => {
    const id = tokenId(KEY, names(app, number))
    const { epoch } = await store.openSession({ tokenId: id, app, generation: 1, cleanStart: false })
    await store.closeSession(id, epoch, { state: A_STATE, stateExpiresAt: Infinity })
  })
}
