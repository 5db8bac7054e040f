// When a master hangs and Sentinels promote its replica, does everybody get an answer, and all go on with the new master?
import { t } from '../support/tap.ts'
import { eventually, type Redis, type SentinelRedis, startSentinelRedis } from '../support/index.ts'
import { faultMatrix } from './support/matrix.ts'

const offsetOf = async (server: Redis) =>
  /master_repl_offset:(\d+)/.exec(await server.cli('info', 'replication'))?.[1] ?? 'unknown'

await t.test('a master hangs, and is replaced', async (t) => {
  let redis: SentinelRedis | undefined
  let replaced: Promise<void> | undefined
  await faultMatrix(t, {
    async start(t) {
      redis = await startSentinelRedis(t, { replicas: 1 })
      return { PUSH_REDIS_URL: redis.url }
    },
    async begin() {
      const servers = redis?.servers ?? []
      // What the replica lacks would be lost with the master, which no server can help.
      await eventually('a replica that has everything', async () => {
        const offsets = await Promise.all(servers.map(offsetOf))
        return new Set(offsets).size === 1
      })
      replaced = redis?.failOver('frozen')
    },
    async end() {
      await replaced
      const master = await redis?.master()
      await eventually('a new master that answers', async () => (await master?.cli('role'))?.startsWith('master'))
    },
    ready: undefined,
  })
})
