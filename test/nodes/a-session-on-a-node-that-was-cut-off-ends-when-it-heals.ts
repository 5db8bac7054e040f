// When a device roams away from a node that is cut off from Redis: is the session left there closed, its cursor refused?
import { t } from '../support/tap.ts'
import { eventually, faultProxy, request, send, startRedis } from '../support/index.ts'
import { connectAll, join, KEPT, startNode } from './support/nodes.ts'

await t.test('a stale session', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const [a, b] = await Promise.all([startNode(t, `redis://127.0.0.1:${proxy.port}`), startNode(t, redis.url)])
  const names = { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' }
  for (const [what, breakIt] of [
    ['refused', () => proxy.refuse()],
    ['frozen', () => proxy.freeze('both')],
  ] as const) {
    const { issued, device: stale } = await join(t, b, a, names, { ...KEPT, manualAck: true })
    await send(b, { token: issued.tokenId }, `first ${what}`)
    const first = await stale.next()
    t.equal(first.text, `first ${what}`)

    breakIt()
    await eventually('503 of /readyz', async () => (await request(a, 'GET', '/readyz')).status === 503)
    const roamed = await connectAll(t, b, issued, { ...KEPT, manualAck: true })
    t.equal((await roamed.next()).text, `first ${what}`, 'what was not acknowledged comes again')
    // The node cannot tell that this session is over; what it acknowledges must not count.
    stale.ack(first)
    proxy.heal()
    await stale.closed
    t.equal(stale.disconnectPacket?.reasonCode, 0x8e, `${what}: taken over, it is told when the node hears of it`)
    await roamed.reset()

    const back = await connectAll(t, a, issued, KEPT)
    t.equal((await back.next()).text, `first ${what}`, 'the acknowledgement of the stale session did not count')
    await back.end()
  }
})
