// Does a user get what its subscriptions ask for together, once, within its limits, and nothing that belongs to others?
import { t } from '../support/tap.ts'
import { connect, connectRaw, type Device, type RawClient } from '../support/index.ts'
import { embed, JOE } from './support/embed.ts'

const embedded = await embed(t)
const CREDENTIALS = { username: JOE.username, password: Buffer.from(JOE.password) }
const writer = await connect(t, embedded, JOE)

async function join(properties: object = {}): Promise<RawClient> {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  await raw.connect({ ...CREDENTIALS, properties })
  return raw
}

async function marker(device: Device, topic: string): Promise<string[]> {
  await writer.publish(topic, 'marker')
  const texts: string[] = []
  for (;;) {
    const { text } = await device.next()
    if (text === 'marker') return texts
    texts.push(text)
  }
}

await t.test('filters that overlap bring a message once, with the highest QoS and every identifier', async (t) => {
  const user = await connect(t, embedded, JOE)
  const identified = (subscriptionIdentifier: number) => ({ properties: { subscriptionIdentifier } })
  await user.subscribe('over/+', { qos: 0, ...identified(1) })
  await user.subscribe('over/#', { qos: 2, ...identified(2) })
  await user.subscribe('over/a', { qos: 1, ...identified(3) })
  await user.subscribe('#', { qos: 0 })
  for (const qos of [0, 1, 2] as const) {
    await writer.publish('over/a', `${qos}`, { qos })
    const arrival = await user.next()
    t.match(arrival, { text: `${qos}`, qos })
    t.same([...(arrival.properties.subscriptionIdentifier as unknown as number[])].sort(), [1, 2, 3])
  }
  await writer.publish('over', 'parent', { qos: 2 })
  t.match(await user.next(), { text: 'parent', qos: 2, properties: { subscriptionIdentifier: 2 } })
  t.equal(user.received.length, 4)
})

await t.test('a wildcard that was granted QoS 1 brings QoS 1 at most', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe('granted/#', { qos: 1 })
  await writer.publish('granted/a', 'x', { qos: 2 })
  t.equal((await user.next()).qos, 1)
})

await t.test('DUP of the publisher goes no further', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe('dup/#', { qos: 2 })
  const raw = await join()
  for (const qos of [1, 2] as const) {
    raw.send({ cmd: 'publish', topic: 'dup/a', payload: `${qos}`, qos, messageId: qos, dup: true, retain: false })
    t.match(await user.next(), { text: `${qos}`, dup: false })
  }
})

await t.test('Maximum Packet Size', async (t) => {
  const raw = await join({ maximumPacketSize: 60 })
  await raw.subscribe('size/#')
  for (const length of [10, 40, 60, 2000, 5]) await writer.publish('size/a', 'x'.repeat(length))
  for (const length of [10, 40, 5]) {
    const packet = await raw.next('publish')
    raw.puback(packet)
    t.equal(packet.payload.length, length)
  }
})

await t.test('Receive Maximum, and QoS 2 counts until its end', async (t) => {
  const raw = await join({ receiveMaximum: 1 })
  await raw.subscribe('window/#', 2)
  for (const qos of [2, 1, 1] as const) await writer.publish('window/a', `${qos}`, { qos })
  const { messageId = 0 } = await raw.next('publish')
  raw.send({ cmd: 'pubrec', messageId })
  await raw.next('pubrel')
  await raw.ping()
  t.equal(raw.packets.received.filter(({ cmd }) => cmd === 'publish').length, 1)
  raw.send({ cmd: 'pubcomp', messageId })
  for (const _ of [1, 2]) raw.puback(await raw.next('publish'))
})

await t.test('topic aliases', async (t) => {
  const raw = await join({ topicAliasMaximum: 2 })
  await raw.subscribe('alias/a')
  for (const text of ['1', '2']) await writer.publish('alias/a', text)
  t.match(await raw.next('publish'), { topic: 'alias/a', properties: { topicAlias: 1 } })
  t.match(await raw.next('publish'), { topic: '', properties: { topicAlias: 1 } })
})

await t.test(
  'a retained message has RETAIN on subscribing, and later where Retain As Published asks for it',
  async (t) => {
    await writer.publish('kept/a', 'old', { retain: true, properties: { messageExpiryInterval: 100 } })
    const user = await connect(t, embedded, JOE)
    await user.subscribe('kept/#')
    const { properties, ...arrival } = await user.next()
    t.match(arrival, { text: 'old', retain: true })
    t.ok((properties.messageExpiryInterval ?? 0) > 90 && (properties.messageExpiryInterval ?? 0) <= 100)
    await writer.publish('kept/a', 'live', { retain: true })
    t.match(await user.next(), { text: 'live', retain: false })
    await user.subscribe('kept/+', { retainAsPublished: true, retainHandling: 2 })
    await writer.publish('kept/a', 'as published', { retain: true })
    t.match(await user.next(), { text: 'as published', retain: true })
  },
)

await t.test('No Local, live and away', async (t) => {
  const how = { clientId: 'nolocal', clean: false, properties: { sessionExpiryInterval: 100 } }
  const user = await connect(t, embedded, JOE, how)
  await user.subscribe('local/#', { noLocal: true })
  await user.publish('local/a', 'own')
  t.same(await marker(user, 'local/a'), [])
  await user.end()
  const back = await connect(t, embedded, JOE, how)
  t.same(await marker(back, 'local/a'), [], 'nor is it in the queue')
})

await t.test('a message that expires in the queue is not sent, another with what remains', async (t) => {
  const how = { clientId: 'expiry', clean: false, properties: { sessionExpiryInterval: 100 } }
  const user = await connect(t, embedded, JOE, how)
  await user.subscribe('expiry/#')
  await user.end()
  await writer.publish('expiry/a', 'short', { properties: { messageExpiryInterval: 1 } })
  await writer.publish('expiry/a', 'long', { properties: { messageExpiryInterval: 1000 } })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const back = await connect(t, embedded, JOE, how)
  const { text, properties } = await back.next()
  t.equal(text, 'long')
  t.ok((properties.messageExpiryInterval ?? 0) < 1000)
})

await t.test('a Will Delay Interval is obeyed, and no property of the PUBLISH', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe('will/#')
  const will = (willDelayInterval: number) => ({
    topic: 'will/a',
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: false,
    properties: { willDelayInterval, contentType: 'text/plain' },
  })
  const properties = { sessionExpiryInterval: 100 }
  const mortal = await connect(t, embedded, JOE, { clientId: 'mortal', properties, will: will(1) })
  await mortal.reset()
  t.same((await user.next()).properties, { contentType: 'text/plain' })
  const lucky = await connect(t, embedded, JOE, { clientId: 'lucky', properties, will: will(3600) })
  await lucky.reset()
  await connect(t, embedded, JOE, { clientId: 'lucky', clean: false, properties })
  t.same(await marker(user, 'will/b'), [])
})

await t.test('a will whose delay runs is due when a clean start ends its session', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe('ended/#')
  const how = (text: string) => ({
    clientId: 'unlucky',
    properties: { sessionExpiryInterval: 100 },
    will: {
      topic: 'ended/a',
      payload: Buffer.from(text),
      qos: 1 as const,
      retain: false,
      properties: { willDelayInterval: 3600 },
    },
  })
  const first = await connect(t, embedded, JOE, how('first'))
  await first.reset()
  await connect(t, embedded, JOE, how('second'))
  t.equal((await user.next()).text, 'first')
  await connect(t, embedded, JOE, how('third'))
  t.equal((await user.next()).text, 'second', 'also when it takes over a connection that is open')
  await connect(t, embedded, JOE, { ...how('fourth'), clean: false })
  t.same(await marker(user, 'ended/b'), [], 'a session that goes on has not ended')
})

await t.test('packets are handled in order', async (t) => {
  const raw = await join()
  for (let round = 1; round <= 20; round++) {
    raw.send({
      cmd: 'publish',
      topic: `order/${round}`,
      payload: 'before',
      qos: 1,
      messageId: round,
      dup: false,
      retain: false,
    })
    raw.send({ cmd: 'subscribe', messageId: 100 + round, subscriptions: [{ topic: `order/${round}`, qos: 1 }] })
    raw.send({ cmd: 'publish', topic: `order/${round}`, payload: 'after', qos: 0, dup: false, retain: false })
    raw.send({
      cmd: 'publish',
      topic: `order/${round}`,
      payload: 'last',
      qos: 1,
      messageId: 200 + round,
      dup: false,
      retain: false,
    })
    const texts = [await raw.next('publish'), await raw.next('publish')].map(({ payload }) => payload.toString())
    t.same(texts, ['after', 'last'])
  }
})
