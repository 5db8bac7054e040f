// A connection that is open but delivers no messages: is it found, replaced, and the gap told?
import { Redis } from 'ioredis'
import { t } from '../support/tap.ts'
import { packProbe } from '../../store/redis/events.ts'
import { Wakes } from '../../store/redis/wakes.ts'
import { eventually, faultProxy, startRedis } from '../support/index.ts'

await t.test('a subscriber behind a line that went dead', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const publisher = new Redis(redis.port)
  t.teardown(() => publisher.disconnect())
  const heard: string[] = []
  let gaps = 0
  const wakes: Wakes = new Wakes({
    connect: () => {
      const subscriber = new Redis({
        port: proxy.port,
        lazyConnect: true,
        retryStrategy: () => null,
        connectTimeout: 200,
        socketTimeout: 200,
      })
      subscriber.on('error', () => undefined)
      return subscriber
    },
    channels: ['channel'],
    heard: (bytes) => {
      heard.push(bytes.toString('hex'))
      wakes.probeReturned(heard.length)
    },
    gap: () => void (gaps += 1),
    probe: (count) => publisher.publish('channel', packProbe(count)),
    probeMs: 20,
    deadlineMs: 200,
  })
  await wakes.start()
  t.teardown(() => wakes.stop())
  await eventually('a probe that came back', () => heard.length > 0)
  t.equal(gaps, 0)

  proxy.freeze('down')
  const { accepted } = proxy
  await eventually('another connection', () => proxy.accepted > accepted)
  t.equal(gaps, 0, 'a gap is told when it is over, so that looking again finds everything')
  proxy.heal()
  await eventually('the gap', () => gaps > 0)
  const before = heard.length
  await eventually('probes again', () => heard.length > before)
})
