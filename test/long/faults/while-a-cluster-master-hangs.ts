// When one master of a Cluster answers nothing for a while, does everybody get an answer, and all come back with it?
import { t } from '../../support/tap.ts'
import { type RedisCluster, startRedisCluster } from '../../support/index.ts'
import { faultMatrix } from '../../faults/support/matrix.ts'
import { LONGER_THAN_COMMANDS_WAIT_MS, wholeAgain } from '../../faults/support/redis.ts'

await t.test('a Cluster master hangs', async (t) => {
  let cluster: RedisCluster | undefined
  await faultMatrix(t, {
    async start(t) {
      cluster = await startRedisCluster(t)
      return { PUSH_REDIS_URL: cluster.url }
    },
    begin: async () => cluster?.nodes[0]?.freeze(),
    async end() {
      cluster?.nodes[0]?.thaw()
      await wholeAgain(cluster?.nodes ?? [])
    },
    lastsMs: LONGER_THAN_COMMANDS_WAIT_MS,
    ready: false,
  })
})
