// Do several nodes together give a key no more than its quota, and no less, over HTTP and MQTT?
import { t } from '../support/tap.ts'
import { connect, eventually, issueToken, makeKey, request, type Server, startRedis } from '../support/index.ts'
import { startNodes } from './support/nodes.ts'

const COUNT = 600
/** Longer than this test. */
const SECONDS = 366 * 86_400

await t.test('three nodes, all flooded', async (t) => {
  const redis = await startRedis(t)
  const nodes = await startNodes(t, redis.url, 3)
  const [first] = nodes
  if (first === undefined) throw new Error('three nodes')
  const quotas = { receivers: { count: COUNT, seconds: SECONDS } }
  const { key } = await makeKey(first, { scopes: ['messages:send', 'tokens:issue'], quotas })
  const { tokenId, topics } = await issueToken(first, { app: 'chat', device: 'phone' })
  const post = (server: Server) =>
    request(server, 'POST', '/v1/messages', { bearer: key, body: { to: { token: tokenId }, payload: 'x' } })
  for (const node of nodes)
    await eventually('the key', async () => (await request(node, 'GET', '/v1/keys', { bearer: key })).status === 403)

  async function overHttp(server: Server): Promise<number> {
    for (let accepted = 0; ; accepted++) {
      const { status, body } = await post(server)
      if (status === 429) return accepted
      if (status !== 202) throw new Error(JSON.stringify(body))
    }
  }
  async function overMqtt(server: Server): Promise<number> {
    const provider = await connect(t, server, { username: 'provider', password: key })
    for (let accepted = 0; ; accepted++) {
      const refusal = await provider.publish(topics.private, 'x').catch((error: { code?: number }) => error)
      if (refusal === undefined) continue
      if (refusal.code !== 0x97) throw new Error(`PUBACK ${refusal.code}`)
      await provider.end()
      return accepted
    }
  }
  const given = await Promise.all(nodes.flatMap((node) => [overHttp(node), overHttp(node), overMqtt(node)]))
  const sum = given.reduce((all, each) => all + each, 0)
  t.equal(sum, COUNT, given.join(' + '))
  for (const node of nodes) t.match(await post(node), { status: 429, headers: { ratelimit: /;r=0;/ } })
})
