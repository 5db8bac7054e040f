// Redis loses the keys that nodes share: does a node that starts at that moment get the same, and does one that differs say so?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { openAuth } from '../../auth/index.ts'
import type { Store } from '../../store/contract.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'

const GRANT = { app: 'shop', device: 'phone', account: 'ann', ttl: 60, generation: 1 }

const authOf = (store: Store) => openAuth({ secrets: store, providers: [] })

async function emptied(t: Test, url: string, servers: readonly Redis[]): Promise<void> {
  const one = await redisStore(t, { url })
  const first = await authOf(one)
  for (const server of servers) await server.cli('flushall')
  const later = await Promise.all([redisStore(t, { url }), redisStore(t, { url })])
  for (const second of await Promise.all(later.map(authOf))) {
    t.equal(first.verify(second.issue(GRANT).token).app, 'shop')
    t.equal(second.verify(first.issue(GRANT).token).app, 'shop')
  }
}

await onServerAndCluster(t, emptied)

await t.test('nobody starts: they are back by themselves', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { redisProbeMs: 100 } })
  await store.secret('provider.key', () => 'the key of the provider')
  await redis.cli('flushall')
  await eventually('the key', async () => (await redis.cli('get', '{push:secret}provider.key')).includes('the key of'))
})

await t.test('a node that differs all the same', async (t) => {
  const redis = await startRedis(t)
  const differing: string[] = []
  const observer = {
    expired: () => undefined,
    dropped: () => undefined,
    secretDiffers: (name: string) => void differing.push(name),
  }
  const store = await redisStore(t, { url: redis.url, observer, limits: { redisProbeMs: 100 } })
  await store.secret('token-id.key', () => 'one')
  t.notMatch((await store.health()).warnings, [/token-id/])
  await redis.cli('set', '{push:secret}token-id.key', 'another')
  await eventually('news of it', () => differing.length > 0)
  t.same(differing, ['token-id.key'])
  t.match((await store.health()).warnings[0], /another token-id\.key than the one in Redis/)
  await redis.cli('set', '{push:secret}token-id.key', 'one')
  await eventually('the end of it', async () =>
    (await store.health()).warnings.every((each) => !each.includes('token-id')),
  )
})
