/** Stores on a Redis of the test: each engine has a prefix of its own, so that it begins empty. */
import type { Test } from 'tap'
import { openRedisStore, type RedisStoreOptions } from '../../../store/redis/index.ts'
import type { Store } from '../../../store/contract.ts'
import type { EngineOptions, MakeEngine } from '../../store/conformance.ts'
import { type Redis, startRedis, startRedisCluster } from '../../support/index.ts'

/** An open store that is closed with the test. */
export async function redisStore(t: Pick<Test, 'teardown'>, options: RedisStoreOptions): Promise<Store> {
  const store = openRedisStore(options)
  await store.open()
  t.teardown(() => store.close())
  return store
}

/** The same for a single server and a Cluster, without files. */
export async function onServerAndCluster(
  t: Test,
  run: (t: Test, url: string, servers: readonly Redis[]) => Promise<void>,
): Promise<void> {
  const options = { config: { appendonly: 'no' } }
  await t.test('a single server', async (t) => {
    const redis = await startRedis(t, options)
    await run(t, redis.url, [redis])
  })
  await t.test('a Cluster', async (t) => {
    const cluster = await startRedisCluster(t, options)
    await run(t, cluster.url, cluster.nodes)
  })
}

/** `killServers` ends every Redis without warning and starts it again. */
export function engineOn(url: string, killServers: () => Promise<unknown>): MakeEngine {
  let engines = 0
  return async (options: EngineOptions) => {
    engines += 1
    const settings = { ...options, url, prefix: `engine-${engines}` }
    const stores: Store[] = []
    const open = async (): Promise<Store> => {
      const store = openRedisStore(settings)
      await store.open()
      stores.push(store)
      return store
    }
    const close = async (): Promise<void> => {
      for (const store of stores.splice(0)) await store.close()
    }
    return {
      store: await open(),
      second: open,
      reopen: async () => {
        await close()
        return await open()
      },
      crash: async () => {
        await killServers()
        return await open()
      },
      close,
    }
  }
}
