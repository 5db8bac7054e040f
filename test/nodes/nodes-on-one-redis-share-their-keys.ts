// Do nodes that start at the same time with nothing in common but Redis accept each other's tokens and one provider key?
import { t } from '../support/tap.ts'
import { connectProvider, issueToken, request, send, startRedis } from '../support/index.ts'
import { connectAll, startNodes } from './support/nodes.ts'

await t.test('keys are made once', async (t) => {
  const redis = await startRedis(t)
  const nodes = await startNodes(t, redis.url, 4)
  t.equal(new Set(nodes.map(({ providerKey }) => providerKey)).size, 1, 'one provider key, in the folder of each')
  const names = { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' }
  const ids = new Set<string>()
  for (const issuer of nodes) {
    const issued = await issueToken(issuer, names)
    ids.add(issued.tokenId)
    for (const node of nodes) {
      const answer = await request(node, 'GET', '/v1/messages', { bearer: issued.token })
      t.equal(answer.status, 200, 'a token of any node is good for any')
    }
  }
  t.equal(ids.size, 1, 'and names the same token id')
  for (const node of nodes) await (await connectProvider(t, node)).end()
})

await t.test('a node that comes later, with an empty folder', async (t) => {
  const redis = await startRedis(t)
  const [first] = await startNodes(t, redis.url, 1)
  const issued = await issueToken(first!, { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' })
  await first!.stop()
  const [second] = await startNodes(t, redis.url, 1)
  t.equal(second!.providerKey, first!.providerKey)
  await send(second!, { token: issued.token }, 'hello')
  t.equal((await (await connectAll(t, second!, issued)).next()).text, 'hello')
})
