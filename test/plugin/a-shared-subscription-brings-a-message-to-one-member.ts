// Does each message of a shared subscription go to one member of the group, and to another when that one leaves?
import { t } from '../support/tap.ts'
import { connect, connectRaw, eventually, mosquittoSub } from '../support/index.ts'
import { embed, JOE } from './support/embed.ts'
import { member, received } from './support/members.ts'

const embedded = await embed(t)
const writer = await connect(t, embedded, JOE)
const CREDENTIALS = { username: JOE.username, password: Buffer.from(JOE.password) }
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `${from + index}`)

async function publish(topic: string, texts: readonly string[], qos: 0 | 1 | 2 = 1): Promise<void> {
  for (const text of texts) await writer.publish(topic, text, { qos })
}

const arrivedAt = (count: number, members: Parameters<typeof received>[0]) =>
  eventually(`${count} messages`, () => received(members).length >= count)

await t.test('it is offered, and members are served in turn', async (t) => {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  t.not((await raw.connect(CREDENTIALS)).properties?.sharedSubscriptionAvailable, false)
  const members = [
    await member(t, embedded, '$share/one/turn/#'),
    await member(t, embedded, '$share/one/turn/#'),
    await member(t, embedded, '$share/one/turn/#', { protocolVersion: 4 }),
  ]
  const other = await member(t, embedded, '$share/two/turn/#')
  const alone = await member(t, embedded, 'turn/#')
  await publish('turn/a', numbered(30))
  await arrivedAt(30, members)
  await other.nextN(30)
  await alone.nextN(30)
  t.same(received(members), numbered(30).sort())
  for (const each of members) t.equal(each.received.length, 10)
  for (const qos of [0, 2] as const) await publish('turn/a', numbered(30, 100 * (qos + 1)), qos)
  await arrivedAt(90, members)
  t.same(received(members), [...numbered(30), ...numbered(30, 100), ...numbered(30, 300)].sort())
})

await t.test('what a member has not acknowledged goes to another when it leaves', async (t) => {
  const slow = await member(t, embedded, '$share/g/leave/#', { manualAck: true })
  await publish('leave/a', numbered(5))
  await slow.nextN(5)
  const next = await member(t, embedded, '$share/g/leave/#')
  await slow.reset()
  t.same((await next.nextN(5)).map(({ text }) => text).sort(), numbered(5))
  await publish('leave/a', ['6'])
  t.equal((await next.next()).text, '6')
  t.equal(next.received.length, 6)
})

await t.test('a member without room is passed over, and what nobody has room for waits', async (t) => {
  const narrow = { manualAck: true, properties: { receiveMaximum: 2 } }
  const slow = await member(t, embedded, '$share/g/room/#', narrow)
  await publish('room/a', numbered(10))
  await slow.nextN(2)
  const fast = await member(t, embedded, '$share/g/room/#')
  t.same(
    (await fast.nextN(8)).map(({ text }) => text),
    numbered(8, 2),
    'in order',
  )
  t.equal(slow.received.length, 2)
})

await t.test(
  'a group of sessions that are kept gets later what came while all were away, also after a restart',
  async (t) => {
    const how = { clientId: 'kept-member', clean: false, properties: { sessionExpiryInterval: 100 } }
    const first = await member(t, embedded, '$share/g/kept/#', how)
    await first.reset()
    await publish('kept/a', numbered(5))
    const back = await connect(t, embedded, JOE, how)
    t.equal(back.connack.sessionPresent, true)
    t.same(
      (await back.nextN(5)).map(({ text }) => text),
      numbered(5),
    )
    t.equal(
      await new Promise((resolve) => back.client.unsubscribe('$share/g/kept/#', (error) => resolve(error ?? 0))),
      0,
    )
    await publish('kept/a', ['for nobody'])
    await back.subscribe('kept/end')
    await publish('kept/end', ['end'])
    t.equal((await back.next()).text, 'end')
  },
)

await t.test('a QoS 2 message that a kept member has is completed by it alone', async (t) => {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  const session = { ...CREDENTIALS, clientId: 'two', properties: { sessionExpiryInterval: 100 } }
  await raw.connect(session)
  await raw.subscribe('$share/g/two/#', 2)
  await publish('two/a', ['once'], 2)
  const { messageId = 0 } = await raw.next('publish')
  const other = await member(t, embedded, '$share/g/two/#')
  await raw.reset()
  await publish('two/a', ['next'])
  t.equal((await other.next()).text, 'next')
  const back = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  await back.connect({ ...session, clean: false })
  t.match(await back.next('publish'), { messageId, dup: true, qos: 2 })
  t.same(received([other]), ['next'])
})

await t.test(
  'retained messages are not sent, identifiers are, and ordinary filters are answered alongside',
  async (t) => {
    await writer.publish('mixed/a', 'retained', { retain: true })
    const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
    await raw.connect(CREDENTIALS)
    const subscriptions = [
      { topic: '$share/g/mixed/#', qos: 1 as const },
      { topic: 'ordinary', qos: 2 as const },
      { topic: '$share/g/else', qos: 0 as const },
    ]
    raw.send({ cmd: 'subscribe', messageId: 9, properties: { subscriptionIdentifier: 5 }, subscriptions })
    t.same((await raw.next('suback')).granted, [1, 2, 0])
    await publish('mixed/a', ['live'])
    const live = await raw.next('publish')
    t.match(live, { properties: { subscriptionIdentifier: 5 }, retain: false })
    t.equal(live.payload.toString(), 'live')
    raw.send({ cmd: 'unsubscribe', messageId: 10, unsubscriptions: ['$share/g/else', '$share/g/none', 'ordinary'] })
    t.same((await raw.next('unsuback')).granted, [0, 0x11, 0])
  },
)

await t.test('No Local is a protocol error, and so are names without a group', async (t) => {
  for (const [topic, nl, reasonCode] of [
    ['$share/g/a', true, 0x82],
    ['$share//a', false, 0x81],
    ['$share/+/a', false, 0x81],
    ['$share/g', false, 0x81],
  ] as const) {
    const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
    await raw.connect(CREDENTIALS)
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1, nl }] })
    t.match(await raw.next('disconnect'), { reasonCode }, topic)
  }
})

await t.test('mosquitto_sub', async (t) => {
  const how = ['-u', JOE.username, '-P', JOE.password, '-q', '1', '-t', '$share/g/shell/#', '-V', '5']
  const subs = [await mosquittoSub(t, embedded, ...how), await mosquittoSub(t, embedded, ...how)]
  await publish('shell/a', numbered(4))
  for (const sub of subs) t.equal((await sub.nextN(2)).length, 2)
})
