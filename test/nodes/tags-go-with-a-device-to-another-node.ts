// A device moves between nodes while tags are given and taken back on others: does each node judge by the tags of now?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, eventually, type Issued, lookup, send, type Server } from '../support/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { serve } from '../bridge/support/serve.ts'
import { broadcast, broadcastsSoFar, connectTagged, issueTagged, KEPT } from '../isolation/support/tagged.ts'
import { twoNodes } from './support/nodes.ts'

const BETA = { any: ['beta'] }

await t.test('two nodes on one Redis', async (t) => {
  const { redis, a, b } = await twoNodes(t)
  const resume = (node: Server, issued: Issued) => connectDevice(t, node, issued, { ...KEPT, subscribe: true })

  await t.test('live and away', async (t) => {
    const issued = await issueTagged(a, 'phone', ['beta'])
    const here = await connectTagged(t, a, issued, KEPT)
    await broadcast(b, 'one', BETA)
    await broadcast(b, 'not for it', { none: ['beta'] })
    t.same(await broadcastsSoFar(b, here), ['one'])
    const there = await resume(b, issued)
    await here.closed
    await broadcast(a, 'two', BETA)
    t.same(await broadcastsSoFar(a, there), ['two'])
    await there.end()
    await broadcast(a, 'three', BETA)
    await issueTagged(b, 'phone', [])
    await broadcast(b, 'four', BETA)
    await broadcast(b, 'for those without', { none: ['beta'] })
    const without = await resume(a, issued)
    t.ok(without.connack.sessionPresent)
    t.same(await broadcastsSoFar(b, without), ['for those without'])
    await issueTagged(a, 'phone', ['beta'])
    const again = await resume(b, issued)
    await without.closed
    await broadcast(a, 'five', BETA)
    t.same(await broadcastsSoFar(a, again), ['five'])
    await again.end()
  })

  await t.test('a lookup that waits on another node', async (t) => {
    const issued = await issueTagged(a, 'poller', [])
    let reads = 0
    const c = await serve(t, {
      engine: (now) => openRedisStore({ url: redis.url, now }),
      around: (store) => ({
        readPrivate(...request) {
          reads++
          return store.readPrivate(...request)
        },
      }),
    })
    const waiting = lookup(c, issued.token, { wait: 60 })
    await eventually('it waits', () => reads === 1)
    await broadcast(a, 'for beta', BETA)
    await broadcast(a, 'for those without', { none: ['beta'] })
    t.match(await waiting, { messages: [{ payload: 'for those without' }] })
  })

  await t.test('what is too large to come with its wake', async (t) => {
    const [beta, plain] = [await issueTagged(a, 'large beta', ['beta']), await issueTagged(a, 'large plain', [])]
    const [one, other] = [await connectTagged(t, a, beta), await connectTagged(t, a, plain)]
    const large = 'x'.repeat(200_000)
    await send(b, { app: 'chat', versions: '*', tags: BETA }, large, { retain: true })
    t.equal((await one.next()).text, large)
    t.same(await barrier(b, other, { app: 'chat', versions: '*' }), [])
    await other.subscribe('chat/2.0')
    t.same(await broadcastsSoFar(b, other), [], 'nor retained')
  })
})
