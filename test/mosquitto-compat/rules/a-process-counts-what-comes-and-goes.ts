// Are bytes, packets, clients, subscriptions and what is stored counted, of all principals, and are local messages of this process alone?
import { t } from '../../support/tap.ts'
import { connectDevice, connectProvider, eventually } from '../../support/index.ts'
import { arrival, join, people, publish, ruled } from './support/ruled.ts'

await t.test('counts', async (t) => {
  const { push, listen } = await ruled(t)
  const target = await listen()
  const before = push.general.counts()
  t.match(before, { bytesReceived: 0, packetsSent: 0, connected: 0, socketsOpened: 0, subscriptions: 0 })
  const kept = await join(t, target, 'a', { clean: false, properties: { sessionExpiryInterval: 100 } })
  const unkept = await join(t, target, 'b', { level: 4 })
  await kept.raw.subscribe(['x', 'y', '$share/g/z'], 1)
  await unkept.raw.subscribe(['x'], 0)
  for (const { raw } of [kept, unkept]) {
    publish(raw, 'x', '0123456789', raw === kept.raw ? { properties: { userProperties: { name: 'value' } } } : {})
    t.equal((await arrival(kept.raw)).text, '0123456789')
    t.equal((await arrival(unkept.raw)).text, '0123456789')
  }
  for (const { raw } of [kept, unkept]) await raw.ping()
  t.match(push.general.counts(), {
    packetsReceived: 8,
    packetsSent: 12,
    publishesReceived: 2,
    publishesSent: 4,
    publishesDropped: 0,
    payloadBytesReceived: 20,
    payloadBytesSent: 40,
    socketsOpened: 2,
    connected: 2,
    subscriptions: 3,
    sharedSubscriptions: 1,
  })
  const issued = await push.issueToken({ app: 'shop', device: 'phone', account: 'ann' })
  const device = await connectDevice(t, target, issued.token)
  await device.subscribe(issued.topics.private)
  const provider = await connectProvider(t, target)
  await provider.publish(issued.topics.private, 'hello')
  await device.next()
  t.match(push.general.counts(), { connected: 4, publishesSent: 5, payloadBytesReceived: 25, payloadBytesSent: 45 })
  t.ok(push.general.counts().bytesSent > 100)
  t.ok(push.general.counts().bytesReceived > 100)

  await kept.raw.end()
  publish(unkept.raw, 'y', '12345', { retain: true, messageId: 7 })
  await unkept.raw.next('puback')
  await eventually('what is stored', async () => {
    const { sessionsAway, retained, messages, bytes } = await push.general.stored()
    return sessionsAway === 1 && retained === 1 && messages === 4 && bytes === 30
  })
})

await t.test('local messages', async (t) => {
  const { push, listen } = await ruled(t, {
    users: people(() => ({ mayReceive: (topic) => !topic.endsWith('/secret') })),
  })
  const target = await listen()
  const { general } = push
  const text = (payload: string) => Buffer.from(payload)
  const uptime = '$SYS/broker/uptime'
  general.setLocal('$SYS/broker/secret', text('no'), { qos: 2 })
  for (const clean of [true, false]) {
    general.setLocal(uptime, text('1 seconds'), { qos: 2 })
    const { raw } = await join(t, target, `reader-${clean}`, { level: 4, clean })
    await raw.subscribe(['$SYS/#', '#'], 1)
    t.match(await arrival(raw), { topic: uptime, text: '1 seconds', retain: true, qos: 1 })
    general.setLocal(uptime, text('2 seconds'), { qos: 2 })
    t.match(await arrival(raw), { topic: uptime, text: '2 seconds', retain: false, qos: 1 })
  }
  general.setLocal(uptime, undefined, { qos: 2 })
  const { raw } = await join(t, target, 'late')
  await raw.subscribe('$SYS/#', 1)
  publish(raw, 'x', 'x')
  t.match(await raw.next(), { cmd: 'puback' }, 'it is gone')
  t.match(await general.stored(), { retained: 0 }, 'and nothing of it was stored')
  t.throws(() => general.setLocal('home/light', text('on'), { qos: 0 }), /below \$SYS\//)
  t.throws(() => general.setLocal('$SYS/#', text('on'), { qos: 0 }), /below \$SYS\//)
})
