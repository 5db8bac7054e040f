// Do the settings for CONNECT, topics, subscriptions and unacknowledged QoS 2 hold, with the code and the count each?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { connectRaw, eventually, issueToken, metric, startServer } from '../support/index.ts'

const server = await startServer(t, {
  settings: {
    PUSH_MAX_CONNECT: '2048',
    PUSH_MAX_TOPIC_LEVELS: '8',
    PUSH_MAX_TOPIC_BYTES: '512',
    PUSH_MAX_SUBSCRIPTIONS: '2',
    PUSH_RECEIVE_MAXIMUM: '3',
  },
})
const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
const provider = { username: 'provider', password: Buffer.from(server.providerKey) }
const upstream = `chat/u/${issued.tokenId}`
const closed = (code: string) => metric(server, 'push_disconnects_total', `code="${code}"`)
const publish = (topic: string, qos: 1 | 2, messageId: number, protocolVersion: 4 | 5) =>
  generate({ cmd: 'publish', topic, payload: 'x', qos, messageId, dup: false, retain: false }, { protocolVersion })

await t.test('CONNECT', async (t) => {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  t.match(await raw.connect({ token: issued.token, properties: { userProperties: { x: 'x'.repeat(3000) } } }), {
    reasonCode: 0x95,
  })
  await raw.closed
  t.equal(await metric(server, 'push_refused_connects_total', 'code="PACKET_TOO_LARGE"'), 1)
})

await t.test('topics', async (t) => {
  for (const [topic, allowed] of [
    [`${upstream}/4/5/6/7/8`, true],
    [`${upstream}/4/5/6/7/8/9`, false],
    [`${upstream}/${'x'.repeat(400)}`, true],
    [`${upstream}/${'x'.repeat(512)}`, false],
  ] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect({ token: issued.token })
    raw.sendBytes(publish(topic, 1, 1, 5))
    t.match(await raw.next(), allowed ? { cmd: 'puback' } : { cmd: 'disconnect', reasonCode: 0x90 })
    await raw.end()
  }
})

await t.test('subscriptions', async (t) => {
  const refused = () => metric(server, 'push_refused_subscriptions_total', 'code="SUBSCRIPTIONS_LIMIT"')
  const before = await refused()
  for (const [fields, filters] of [
    [{ token: issued.token }, ['chat/1', 'chat/2', 'chat/3']],
    [provider, ['a/u/#', 'b/u/#', 'c/u/#']],
  ] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect(fields)
    const { granted } = await raw.subscribe(filters)
    t.same(granted.slice(0, 2), [1, 1])
    t.ok(Number(granted[2]) >= 0x80, 'the third is refused')
    t.same((await raw.subscribe(filters[0])).granted, [1], 'the same again is no other')
    raw.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [filters[0]] })
    await raw.next('unsuback')
    t.same((await raw.subscribe(filters[2])).granted, [1], 'there is room again')
    await raw.end()
  }
  t.equal(await refused(), before + 2)
})

await t.test('unacknowledged QoS 2, also before MQTT 5', async (t) => {
  // Before MQTT 5, nobody tells a client of the limit: it has ten times as much room.
  for (const [protocolVersion, most] of [
    [4, 30],
    [5, 3],
  ] as const) {
    for (const [fields, topic] of [
      [{ token: issued.token }, `${upstream}/x`],
      [provider, issued.topics.private],
    ] as const) {
      const before = await closed('RECEIVE_MAXIMUM_EXCEEDED')
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect(fields)
      for (let id = 1; id <= most + 1; id++) raw.sendBytes(publish(topic, 2, id, protocolVersion))
      await raw.closed
      t.ok(raw.packets.received.filter(({ cmd }) => cmd === 'pubrec').length <= most)
      await eventually('the count', async () => (await closed('RECEIVE_MAXIMUM_EXCEEDED')) === before + 1)
    }
  }
})
