// Does a session that is kept get what the rules say: QoS 0 too, the QoS of its subscription, and messages of any size?
import { t } from '../../support/tap.ts'
import { type Scope, startRedis } from '../../support/index.ts'
import type { PushOptions } from '../../../index.ts'
import { arrival, join, publish, ruled, type Target } from './support/ruled.ts'

const engines: Readonly<Record<string, (t: Scope) => Promise<Partial<PushOptions>>>> = {
  embedded: async () => ({}),
  memory: async () => ({ generalStore: 'memory' }),
  redis: async (t) => ({ redisUrl: (await startRedis(t, { config: { appendonly: 'no' } })).url }),
}

const QOS_0 = { qos: 0, messageId: undefined }

for (const [engine, optionsOf] of Object.entries(engines))
  await t.test(engine, async (t) => {
    const { listen, general } = await ruled(t, {
      ...(await optionsOf(t)),
      generalRules: { queueQos0: true, maximumPacketSize: 2_000_000 },
    })
    const target = await listen()
    const sender = await join(t, target, 'sender', { level: 4 })
    const kept = (qos: 0 | 1 | 2) => leave(t, target, `kept-${qos}`, qos)

    await kept(0)
    publish(sender.raw, 'a', 'with QoS 0', QOS_0)
    publish(sender.raw, 'a', 'with QoS 1')
    await sender.raw.next('puback')
    const zero = await join(t, target, 'kept-0', { level: 4, clean: false })
    t.match(await arrival(zero.raw), { text: 'with QoS 0', qos: 0 })
    t.match(await arrival(zero.raw), { text: 'with QoS 1', qos: 0 })
    publish(sender.raw, 'a', 'once', QOS_0)
    publish(sender.raw, 'a', 'the end', QOS_0)
    t.match(await arrival(zero.raw), { text: 'once', qos: 0 })
    t.match(await arrival(zero.raw), { text: 'the end', qos: 0 }, 'each comes once to who is connected')

    await kept(1)
    const big = Buffer.alloc(400 * 1024, 'b')
    publish(sender.raw, 'a', big)
    await sender.raw.next('puback')
    const one = await join(t, target, 'kept-1', { level: 4, clean: false })
    t.equal((await arrival(one.raw)).text.length, big.byteLength)
    await one.raw.end()

    general.upgradeOutgoingQos = true
    await kept(2)
    publish(sender.raw, 'a', 'upgraded', { ...QOS_0, retain: true })
    await sender.raw.ping()
    const two = await join(t, target, 'kept-2', { level: 4, clean: false })
    t.match(await arrival(two.raw), { text: 'upgraded', qos: 2 })
    const live = await join(t, target, 'live', { level: 4 })
    await live.raw.subscribe('a', 1)
    t.match(await arrival(live.raw), { text: 'upgraded', qos: 1, retain: true })
  })

async function leave(t: Scope, target: Target, clientId: string, qos: 0 | 1 | 2): Promise<void> {
  const { raw } = await join(t, target, clientId, { level: 4, clean: false })
  await raw.subscribe('a', qos)
  await raw.end()
}
