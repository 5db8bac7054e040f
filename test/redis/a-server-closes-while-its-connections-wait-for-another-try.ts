// Redis went away, and each connection waits for its next try: does what closes then come to its end?
import { t } from '../support/tap.ts'
import { connect, faultProxy, startRedis, within } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

await t.test('a node with a user', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const { push, ...node } = await embed(t, { redisUrl: `redis://127.0.0.1:${proxy.port}` })
  const user = await connect(t, node, JOE, { clean: false, properties: { sessionExpiryInterval: 100 } })
  await user.subscribe('a')
  proxy.refuse()
  await within('the end', push.close())
  await user.closed
  t.pass('it ended')
})
