// Does the Redis engine do what the store contract says, with a cluster of three masters?
import { t } from '../../support/tap.ts'
import { conformance } from '../../store/conformance.ts'
import { eventually, startRedisCluster } from '../../support/index.ts'
import { engineOn } from '../../redis/support/engine.ts'

const cluster = await startRedisCluster(t)

await conformance(
  t,
  engineOn(cluster.url, async () => {
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    await eventually('a cluster that is whole', async () => {
      const states = await Promise.all(cluster.nodes.map((node) => node.cli('cluster', 'info')))
      return states.every((state) => state.includes('cluster_state:ok'))
    })
  }),
)
