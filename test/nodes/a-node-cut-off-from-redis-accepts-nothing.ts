// While one node is cut off from Redis, or every answer is late: does it accept nothing, and do its devices get all after?
import { t } from '../support/tap.ts'
import { eventually, type FaultProxy, faultProxy, request, send, startRedis } from '../support/index.ts'
import { join, startNode } from './support/nodes.ts'
import { acceptsNothing, goesOn } from './support/refusing.ts'

/** Longer than a node waits for an answer of Redis. */
const LATE_MS = 5_000

const FAULTS: Record<string, (proxy: FaultProxy) => void> = {
  'every connection is refused': (proxy) => proxy.refuse(),
  'nothing passes': (proxy) => proxy.freeze('both'),
  'nothing reaches Redis': (proxy) => proxy.freeze('up'),
  'nothing comes back from Redis': (proxy) => proxy.freeze('down'),
  'everything is late': (proxy) => proxy.delay(LATE_MS),
}

await t.test('one of two nodes is cut off', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const [a, b] = await Promise.all([startNode(t, `redis://127.0.0.1:${proxy.port}`), startNode(t, redis.url)])
  const app = 'shop'
  const member = await join(t, b, a, { app, device: 'phone', account: 'ann', version: '1.0.0' })

  for (const [what, breakIt] of Object.entries(FAULTS)) {
    breakIt(proxy)
    await eventually('503 of /readyz', async () => (await request(a, 'GET', '/readyz')).status === 503)
    await acceptsNothing(t, a, member, what)
    const meanwhile = Array.from({ length: 30 }, (_, index) => `${what} ${index}`)
    for (const text of meanwhile) await send(b, { token: member.issued.tokenId }, text)
    t.equal((await request(b, 'GET', '/readyz')).status, 200, `${what}: the other node serves`)
    proxy.heal()
    await goesOn(t, a, member, meanwhile, what)
  }
})
