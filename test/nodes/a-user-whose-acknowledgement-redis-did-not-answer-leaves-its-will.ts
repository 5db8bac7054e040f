// Is the session of a user closed, with its will, when Redis hangs while its last acknowledgement is being written?
import { t } from '../support/tap.ts'
import { ann, connect, passwordFile, startRedis } from '../support/index.ts'
import { KEPT, startNode } from './support/nodes.ts'

await t.test('a connection is lost while Redis hangs', async (t) => {
  const redis = await startRedis(t)
  const node = await startNode(t, redis.url, {
    PUSH_PASSWORD_FILE: passwordFile(t),
    PUSH_REDIS_TIMEOUT: '1',
    PUSH_SWEEP: '1',
  })
  const watcher = await connect(t, node, ann, { clientId: 'watcher' })
  await watcher.subscribe(['wills/#', 'news'])
  const will = { topic: 'wills/backend', payload: Buffer.from('gone'), qos: 1 as const }
  const backend = await connect(t, node, ann, {
    ...KEPT,
    clientId: 'backend',
    manualAck: true,
    will: { ...will, properties: { willDelayInterval: 1 } },
  })
  await backend.subscribe('news')
  await watcher.publish('news', 'news', { qos: 1 })
  const news = await backend.next()
  t.equal((await watcher.next()).text, 'news')
  redis.freeze()
  backend.ack(news)
  await node.waitForLog(/could not write acknowledgements/)
  await backend.reset()
  await node.waitForLog(/could not save a closed session/)
  redis.thaw()
  t.equal((await watcher.next()).topic, 'wills/backend')
  const { connack } = await connect(t, node, ann, { ...KEPT, clientId: 'backend' })
  t.equal(connack.sessionPresent, true)
})
