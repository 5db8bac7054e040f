// With `replicas`: is a message accepted only when a replica has it, and the same message when it is repeated accepted once?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ids, known, message } from './support/people.ts'

await t.test('a replica that hangs', async (t) => {
  const master = await startRedis(t)
  const config = { replicaof: `${master.host} ${master.port}`, 'repl-timeout': '3600' }
  const replica = await startRedis(t, { config })
  await eventually('a replica', async () =>
    (await replica.cli('info', 'replication')).includes('master_link_status:up'),
  )
  const store = await redisStore(t, { url: master.url, replicas: 1, limits: { redisTimeoutMs: 500 } })
  const tokenId = await known(store, 'phone')
  await store.append({ tokenId, message: message('first'), dedupe: true })
  t.match(await replica.cli('dbsize'), /^[1-9]/)

  replica.freeze()
  await t.rejects(store.append({ tokenId, message: message('second'), dedupe: true }), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(store.health(), { code: 'STORE_UNAVAILABLE' }, 'and the node says so')

  replica.thaw()
  await eventually('a store that takes writes', () => store.health())
  await store.append({ tokenId, message: message('second'), dedupe: true })
  t.same(await ids(store, tokenId), ['first', 'second'])
})

await t.test('a Cluster', async (t) => {
  const url = 'redis://127.0.0.1:1,redis://127.0.0.1:2'
  await t.rejects(async () => await redisStore(t, { url, replicas: 1 }), TypeError, 'has no WAIT of its own')
})
