// Is a publish beyond the quota of its key refused on MQTT 5, and left unread where nobody can be told, with none lost?
import type { IPublishPacket } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectRaw,
  deleteKey,
  issueToken,
  type Key,
  makeKey,
  metric,
  eventually,
  type RawClient,
  request,
  type Scope,
  send,
} from '../support/index.ts'
import { embed, type Embedded } from '../plugin/support/embed.ts'

const MINUTE = 60_000

interface Clock {
  late: number
}

async function world(t: Scope, count: number) {
  // Windows begin with the minute: a test that begins late in one has its own.
  const clock: Clock = { late: MINUTE - (Date.now() % MINUTE) }
  const server = await embed(t, { now: () => Date.now() + clock.late })
  const quotas = { receivers: { count, seconds: 60 } }
  const key = await makeKey(server, { scopes: ['messages:send', 'messages:read'], quotas })
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  return { clock, server, key, device, topic: issued.topics.private, token: issued.tokenId }
}

async function raw(
  t: Scope,
  server: Embedded,
  { key }: Key,
  protocolVersion: 4 | 5,
  keepalive = 0,
): Promise<RawClient> {
  const client = await connectRaw(t, server.mqttPort, { protocolVersion })
  await client.connect({ username: 'provider', password: Buffer.from(key), keepalive })
  return client
}

const publish = (topic: string, qos: 0 | 1 | 2, payload: string, messageId: number): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload,
  qos,
  dup: false,
  retain: false,
  ...(qos === 0 ? {} : { messageId }),
})

/** All that came to the device, in order. */
async function arrived(
  server: Embedded,
  token: string,
  device: { next(): Promise<{ text: string }> },
): Promise<string[]> {
  await send(server, { token }, 'mark')
  const texts: string[] = []
  for (;;) {
    const { text } = await device.next()
    if (text === 'mark') return texts
    texts.push(text)
  }
}

for (const qos of [1, 2] as const)
  await t.test(`MQTT 5 with QoS ${qos} is told`, async (t) => {
    const { clock, server, key, device, topic, token } = await world(t, 3)
    const client = await raw(t, server, key, 5)
    const answer = qos === 1 ? 'puback' : 'pubrec'
    for (let number = 1; number <= 5; number++) client.send(publish(topic, qos, `first ${number}`, number))
    for (let number = 1; number <= 5; number++)
      t.match(await client.next(), { cmd: answer, messageId: number, reasonCode: number <= 3 ? 0 : 0x97 })
    // What is sent again under a packet id that is known is no other message.
    if (qos === 2) {
      client.send({ ...publish(topic, qos, 'first 3', 3), dup: true })
      t.match(await client.next(), { cmd: answer, messageId: 3, reasonCode: 0 })
    }
    await client.ping()
    t.equal(await metric(server, 'push_rejected_total', 'code="QUOTA_EXCEEDED"'), 2)
    t.same(await arrived(server, token, device), ['first 1', 'first 2', 'first 3'])
    t.match(await request(server, 'POST', '/v1/messages', { bearer: key.key, body: { to: { token }, payload: 'x' } }), {
      status: 429,
      headers: { ratelimit: /r=0/ },
    })
    clock.late += MINUTE
    client.send(publish(topic, qos, 'second', 6))
    t.match(await client.next(), { cmd: answer, messageId: 6, reasonCode: 0 })
    t.same(await arrived(server, token, device), ['second'])
  })

for (const [protocolVersion, qos] of [
  [4, 0],
  [4, 1],
  [4, 2],
  [5, 0],
] as const)
  await t.test(`version ${protocolVersion} with QoS ${qos} is not read from, and none is lost`, async (t) => {
    const { clock, server, key, device, topic, token } = await world(t, 3)
    const client = await raw(t, server, key, protocolVersion)
    const texts = Array.from({ length: 8 }, (_, number) => `message ${number + 1}`)
    for (const [number, text] of texts.entries()) client.send(publish(topic, qos, text, number + 1))
    client.send({ cmd: 'pingreq' })
    // Three leave, and nothing behind them is read.
    for (let number = 1; number <= 3; number++) t.equal((await device.next()).text, `message ${number}`)
    t.same(await arrived(server, token, device), [])
    t.notOk(client.packets.received.some(({ cmd }) => cmd === 'pingresp'))
    clock.late += MINUTE
    for (let number = 4; number <= 6; number++) t.equal((await device.next()).text, `message ${number}`)
    clock.late += MINUTE
    await client.next('pingresp')
    t.same(await arrived(server, token, device), ['message 7', 'message 8'], 'in order')
    const answers = client.packets.received.filter(({ cmd }) => cmd === 'puback' || cmd === 'pubrec')
    t.same(
      answers.map(({ messageId }) => messageId),
      qos === 0 ? [] : [1, 2, 3, 4, 5, 6, 7, 8],
    )
  })

await t.test('who waits longer than it may be silent is disconnected', async (t) => {
  const { server, key, topic } = await world(t, 1)
  const client = await raw(t, server, key, 5, 1)
  for (const payload of ['one', 'two']) client.send(publish(topic, 0, payload, 0))
  t.match(await client.next('disconnect'), { reasonCode: 0x97 })
  const old = await raw(t, server, key, 4, 1)
  old.send(publish(topic, 1, 'three', 1))
  await old.closed
})

await t.test('a key that goes ends the wait', async (t) => {
  const { clock, server, key, topic, token, device } = await world(t, 1)
  const client = await raw(t, server, key, 4)
  for (const number of [1, 2, 3]) client.send(publish(topic, 1, `message ${number}`, number))
  await client.next('puback')
  await deleteKey(server, key)
  await client.closed
  clock.late += MINUTE
  t.same(await arrived(server, token, device), ['message 1'])
})

await t.test('a will counts as any other message', async (t) => {
  const { server, key, topic, token, device } = await world(t, 1)
  const client = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  const will = { topic, payload: Buffer.from('will'), qos: 1 as const, retain: false }
  await client.connect({ username: 'provider', password: Buffer.from(key.key), will })
  client.send(publish(topic, 1, 'first', 1))
  await client.next('puback')
  await client.reset()
  await eventually(
    'the refusal',
    async () => (await metric(server, 'push_rejected_total', 'code="QUOTA_EXCEEDED"')) > 0,
  )
  t.same(await arrived(server, token, device), ['first'])
})
