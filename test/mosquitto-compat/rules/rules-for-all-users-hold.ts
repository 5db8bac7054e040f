// Do the rules for all users hold at once when they change: retain, keep alive, sizes, receive maximum, reserved apps?
import { t } from '../../support/tap.ts'
import { connectDevice, connectProvider, mosquittoPub } from '../../support/index.ts'
import { arrival, join, publish, ruled } from './support/ruled.ts'

const WILL = { topic: 'w', payload: Buffer.from('0123456789'), qos: 0 as const, retain: true }

await t.test('nothing is retained', async (t) => {
  const { listen, general } = await ruled(t)
  const target = await listen()
  const before = await join(t, target, 'before')
  general.retainAvailable = false
  const { raw, connack } = await join(t, target, 'a')
  t.equal(connack.properties?.retainAvailable, false)
  t.equal((await join(t, target, 'b', { will: WILL })).code, 0x9a)
  for (const each of [before.raw, raw]) {
    publish(each, 'x', 'kept', { retain: true })
    t.match(await each.next('disconnect'), { reasonCode: 0x9a })
  }
})

await t.test('the longest keep alive', async (t) => {
  const { listen } = await ruled(t, { generalRules: { maximumKeepAlive: 30 } })
  const target = await listen()
  for (const keepalive of [0, 31]) {
    t.equal((await join(t, target, 'a', { keepalive })).connack.properties?.serverKeepAlive, 30)
    t.equal((await join(t, target, 'a', { keepalive, level: 4 })).code, 2)
  }
  t.equal((await join(t, target, 'a', { keepalive: 30 })).connack.properties?.serverKeepAlive, undefined)
})

await t.test('the largest payload and packet', async (t) => {
  const { listen, general } = await ruled(t, { generalRules: { payloadBytes: 5, maximumPacketSize: 2_000_000 } })
  const target = await listen()
  const { raw, connack } = await join(t, target, 'a')
  t.equal(connack.properties?.maximumPacketSize, 2_000_000)
  const said = await mosquittoPub(t, target, '-V', '5', '-d', '-q', '1', '-t', 'x', '-m', '012345', '-u', 'ann')
  t.match(said, /PUBACK \(Mid: 1, RC:149\)/)
  const old = await join(t, target, 'b', { level: 4 })
  publish(old.raw, 'x', '012345', { qos: 2 })
  t.match(await old.raw.next(), { cmd: 'pubrec' })
  t.equal((await join(t, target, 'c', { will: WILL })).code, 0x95)

  general.payloadBytes = 0
  await raw.subscribe('big', 1)
  const payload = Buffer.alloc(1_900_000, 'x')
  publish(old.raw, 'big', payload)
  t.equal((await arrival(raw)).text.length, payload.byteLength)
  publish(old.raw, 'big', Buffer.alloc(2_000_000))
  await t.rejects(old.raw.next('pubrel'), /closed the connection/)
})

await t.test('receive maximum', async (t) => {
  const { listen, general } = await ruled(t, { generalRules: { window: 7 } })
  const target = await listen()
  t.equal((await join(t, target, 'a')).connack.properties?.receiveMaximum, 7)
  general.window = 0
  const { raw, connack } = await join(t, target, 'a')
  t.equal(connack.properties?.receiveMaximum, undefined)
  await raw.subscribe('x', 1)
  const sender = await join(t, target, 'sender')
  for (let at = 1; at <= 100; at++) publish(sender.raw, 'x', `${at}`, { messageId: at })
  for (let at = 1; at <= 100; at++) t.equal((await arrival(raw)).text, `${at}`, 'none is acknowledged')
})

await t.test('topics that look like push topics', async (t) => {
  const { push, listen, general } = await ruled(t)
  const target = await listen()
  const { raw } = await join(t, target, 'a')
  const issued = await push.issueToken({ app: 'shop', device: 'phone', account: 'ann' })
  const device = await connectDevice(t, target, issued.token)
  t.same(await device.subscribe(issued.topics.private), [1])
  const topics = ['home/light', 'x/u/y', issued.topics.private, `shop/u/${issued.tokenId}/a`]
  t.same(
    (await raw.subscribe(topics, 1)).granted,
    topics.map(() => 1),
  )
  for (const topic of topics) {
    publish(raw, topic, 'a user')
    t.match(await arrival(raw), { topic, text: 'a user' })
    await raw.next('puback')
  }
  const provider = await connectProvider(t, target)
  await provider.publish(issued.topics.private, 'the provider')
  t.same((await device.next()).text, 'the provider', 'and what users publish there, no device gets')

  general.reservedApps = ['shop']
  publish(raw, issued.topics.private, 'a mistake')
  t.match(await raw.next(), { cmd: 'puback', reasonCode: 0x87 })
  t.same((await raw.subscribe(['shop/#', 'shop', 'home/light'], 1)).granted, [0x87, 0x87, 1])
})
