// Does each engine tell a tool all that it holds, and put token ids in place, as the store contract says?
import { t } from '../support/tap.ts'
import { openLevelStore } from '../../store/index.ts'
import { engineOn } from '../redis/support/engine.ts'
import { startRedis, startRedisCluster, temporaryFolder } from '../support/index.ts'
import { inventory } from './support/inventory.ts'

await t.test('the embedded engine', (t) =>
  inventory(t, async (options) => {
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
  await inventory(
    t,
    engineOn(redis.url, () => redis.restart()),
  )
})

await t.test('a Cluster of three masters', async (t) => {
  const cluster = await startRedisCluster(t)
  await inventory(
    t,
    engineOn(cluster.url, () => Promise.all(cluster.nodes.map((node) => node.restart()))),
  )
})
