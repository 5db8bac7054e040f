// Redis is emptied, or takes a node for dead: does the node hear again what others publish for those who are connected to it?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { general, listen, type Receiver, redisRouter } from '../general/support/router.ts'

await t.test('a node and another', async (t) => {
  const redis = await startRedis(t)
  const [one, two] = [await redisRouter(t, redis.url), await redisRouter(t, redis.url)]
  const live = await listen(one.router, 'live', 'a/#')
  const isHeard = (receiver: Receiver, text: string) =>
    eventually(`${text} at the other node`, async () => {
      await two.router.publish(general('a/b', text))
      return receiver.texts.includes(text)
    })
  t.ok(await isHeard(live, 'before'))

  await redis.cli('flushall')
  t.ok(await isHeard(live, 'after it was emptied'))

  const node = `node/${one.store.nodes?.name}`
  const { epoch } = await two.store.openNamedSession(node, true)
  await two.store.closeNamedSession(node, epoch, { stateExpiresAt: 0 })
  t.ok(await isHeard(live, 'after its session was ended'))

  const later = await listen(one.router, 'later', 'c')
  await two.router.publish(general('c', 'at once'))
  t.ok(await eventually('who came later', () => later.texts.includes('at once')))
})
