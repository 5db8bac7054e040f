// Redis went away, and each connection waits for its next try: does what closes then come to its end?
import { t } from '../support/tap.ts'
import { openRedisState } from '../../broker/aedes/redis-persistence.ts'
import { faultProxy, startRedis, within } from '../support/index.ts'

await t.test('the state of general topics', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const state = await openRedisState({ url: `redis://127.0.0.1:${proxy.port}`, prefix: 'p' })
  t.teardown(() => state.close())
  const mq = state.mq as { emit(packet: object, done: (error?: Error) => void): void; close(done: () => void): void }
  await new Promise<void>((resolve) => mq.emit({ topic: 'a' }, () => resolve()))
  proxy.refuse()
  await within('the end', new Promise<void>((resolve) => mq.close(resolve)))
  t.pass('it ended')
})
