// Does each engine tell a tool all that it holds, and put token ids in place, as the store contract says?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { openLevelStore } from '../../store/index.ts'
import { engineOn } from '../redis/support/engine.ts'
import type { MakeEngine } from '../store/conformance.ts'
import { startRedis, startRedisCluster, temporaryFolder } from '../support/index.ts'
import { inventory } from './support/inventory.ts'
import { inventoryOfLogs } from './support/inventory-of-logs.ts'

async function everything(t: Test, makeEngine: MakeEngine): Promise<void> {
  await inventory(t, makeEngine)
  await inventoryOfLogs(t, makeEngine)
}

await t.test('the embedded engine', (t) =>
  everything(t, async (options) => {
    const open = async () => {
      await store.open()
      return store
    }
    const store = openLevelStore({ ...options, directory: temporaryFolder(t, 'level') })
    return { store: await open(), reopen: open, close: () => store.close() }
  }),
)

await t.test('Redis', async (t) => {
  const redis = await startRedis(t)
  await everything(
    t,
    engineOn(redis.url, () => redis.restart()),
  )
})

await t.test('a Cluster of three masters', async (t) => {
  const cluster = await startRedisCluster(t)
  await everything(
    t,
    engineOn(cluster.url, () => Promise.all(cluster.nodes.map((node) => node.restart()))),
  )
})
