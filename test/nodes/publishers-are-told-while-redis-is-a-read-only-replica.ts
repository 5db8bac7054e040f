// When the Redis of the nodes becomes a replica that takes no writes, are publishers told, and does all resume by itself?
import t from 'tap'
import { connectProvider, eventually, request, startRedis } from '../support/index.ts'
import { join, startNode } from './support/nodes.ts'
import { acceptsNothing, goesOn, pubackIsNoSuccess } from './support/refusing.ts'

await t.test('redis is a read-only replica', async (t) => {
  const redis = await startRedis(t)
  const master = await startRedis(t)
  const node = await startNode(t, redis.url)
  const member = await join(t, node, node, { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' })
  const provider = await connectProvider(t, node)

  // A master that refuses it, so that its own data stays.
  await master.cli('config', 'set', 'requirepass', 'not-told')
  await redis.cli('replicaof', '127.0.0.1', String(master.port))
  await eventually('503 of /readyz', async () => (await request(node, 'GET', '/readyz')).status === 503)
  await acceptsNothing(t, node, member, 'a read-only replica')
  await pubackIsNoSuccess(t, provider, member.issued.topics.private, 'a read-only replica')
  await redis.cli('replicaof', 'no', 'one')
  await goesOn(t, node, member, [], 'a read-only replica')
})
