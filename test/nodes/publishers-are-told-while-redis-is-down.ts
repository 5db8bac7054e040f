// While Redis is down, killed or hanging: is nothing accepted, nobody disconnected, and does all resume by itself?
import t from 'tap'
import { connectProvider, eventually, request, send, startRedis } from '../support/index.ts'
import { join, startNode } from './support/nodes.ts'
import { acceptsNothing, goesOn, pubackIsNoSuccess } from './support/refusing.ts'

await t.test('redis is down', async (t) => {
  const redis = await startRedis(t)
  const node = await startNode(t, redis.url)
  const names = { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' }
  const member = await join(t, node, node, names)
  const provider = await connectProvider(t, node)
  const notReady = () =>
    eventually('503 of /readyz', async () => (await request(node, 'GET', '/readyz')).status === 503)

  const faults: [string, () => unknown, () => unknown][] = [
    ['killed', () => redis.kill(), () => redis.restart()],
    ['hanging', () => redis.freeze(), () => redis.thaw()],
    ['stopped in order', () => redis.kill('SIGTERM'), () => redis.restart()],
  ]
  for (const [what, breakIt, heal] of faults) {
    await send(node, { token: member.issued.tokenId }, `before ${what}`)
    await breakIt()
    await notReady()
    await acceptsNothing(t, node, member, what)
    await pubackIsNoSuccess(t, provider, member.issued.topics.private, what)
    await heal()
    await goesOn(t, node, member, [`before ${what}`], what)
  }
})
