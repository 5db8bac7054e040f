// While a Cluster moves a slot, or one master is away: is nothing done by halves, and does it go on by itself?
import { t } from '../../support/tap.ts'
import { Redis } from 'ioredis'
import { partitionBase } from '../../../store/redis/keys.ts'
import { locate } from '../../../store/redis/token.ts'
import { eventually, startRedisCluster } from '../../support/index.ts'
import { redisStore } from '../../redis/support/engine.ts'
import { idOf, ids, known, message, UNAVAILABLE } from '../../redis/support/people.ts'

await t.test('a slot that moves', async (t) => {
  const cluster = await startRedisCluster(t)
  const store = await redisStore(t, { url: cluster.url, limits: { redisTimeoutMs: 500 } })
  const token = await known(store, 'phone')
  await store.append({ tokenId: token, message: message('before'), dedupe: true })

  const { base } = locate('push', idOf('phone'))
  const [first] = cluster.nodes
  const slot = String(await first?.cli('cluster', 'keyslot', `${base}l`))
  const clients = cluster.nodes.map((node) => new Redis(node.port))
  t.teardown(() => clients.map((client) => client.disconnect()))
  const names = await Promise.all(clients.map((client) => client.cluster('MYID')))
  const keys = await Promise.all(clients.map((client) => client.cluster('GETKEYSINSLOT', Number(slot), 100)))
  const from = keys.findIndex((found) => found.length > 0)
  const to = (from + 1) % clients.length
  const [source, target] = [clients[from], clients[to]]
  if (source === undefined || target === undefined) throw new Error('no node has the slot')

  await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(names[from]))
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(names[to]))
  const moving = keys[from]?.map(String) ?? []
  t.ok(moving.length > 3)
  const { port } = cluster.nodes[to] ?? { port: 0 }
  await source.call('MIGRATE', '127.0.0.1', String(port), '', '0', '5000', 'KEYS', ...moving.slice(0, 2))
  await t.rejects(
    store.append({ tokenId: token, message: message('while'), dedupe: true }),
    UNAVAILABLE,
    'refused while keys are here and there',
  )

  await source.call('MIGRATE', '127.0.0.1', String(port), '', '0', '5000', 'KEYS', ...moving.slice(2))
  for (const client of [target, source]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(names[to]))
  await eventually('an append', () => store.append({ tokenId: token, message: message('while'), dedupe: true }))
  t.same(await ids(store, token), ['before', 'while'], 'the message is there once, whichever attempt stored it')
})

await t.test('a master that is away', async (t) => {
  const cluster = await startRedisCluster(t)
  const store = await redisStore(t, { url: cluster.url, limits: { redisTimeoutMs: 500 } })
  const devices = Array.from({ length: 30 }, (_, number) => `phone-${number}`)
  const tokens = await Promise.all(devices.map((device) => known(store, device)))
  t.ok(new Set(devices.map((device) => locate('push', idOf(device)).base)).size > 10)
  t.equal(partitionBase('push', 7), '{push:7}')

  const [lost] = cluster.nodes
  await lost?.kill()
  const sent = await Promise.allSettled(
    tokens.map((tokenId) => store.append({ tokenId, message: message('while'), dedupe: true })),
  )
  const refused = sent.filter((outcome) => outcome.status === 'rejected')
  t.ok(refused.length > 0 && refused.every((outcome) => outcome.reason.code === 'STORE_UNAVAILABLE'))

  await lost?.restart()
  await eventually('every token again', async () => {
    await Promise.all(tokens.map((tokenId) => store.append({ tokenId, message: message('while'), dedupe: true })))
    return true
  })
  const logs = await Promise.all(tokens.map((token) => ids(store, token)))
  t.same(
    logs.filter((log) => log.join() !== 'while'),
    [],
    'once each',
  )
})
