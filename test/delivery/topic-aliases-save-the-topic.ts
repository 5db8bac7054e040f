// Does a device that takes topic aliases get a topic once and its alias from then on, and are those of a client known?
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  connectRaw,
  issueToken,
  mosquittoSub,
  type RawClient,
  send,
  type Server,
  startServer,
} from '../support/index.ts'

const server = await startServer(t)

async function publication(raw: RawClient) {
  const packet = await raw.next('publish')
  raw.puback(packet)
  return { topic: packet.topic, alias: packet.properties?.topicAlias, text: packet.payload.toString() }
}

async function join(target: Server, token: string, properties: object): Promise<RawClient> {
  const raw = await connectRaw(t, target.mqttPort, { protocolVersion: 5 })
  await raw.connect({ token, properties })
  return raw
}

const sendEach = async (target: Server, tokenId: string, texts: string[]) => {
  for (const text of texts) await send(target, { token: tokenId }, text)
}

await t.test('the topic goes out once in a connection', async (t) => {
  const issued = await issueToken(server, { app: 'alias', device: 'one', version: '1.0' })
  const topic = issued.topics.private
  for (const connection of [1, 2]) {
    const raw = await join(server, issued.token, { topicAliasMaximum: 10 })
    await raw.subscribe([topic, 'alias/1.0'])
    await sendEach(server, issued.tokenId, ['a', 'b', 'c'])
    t.same(await publication(raw), { topic, alias: 1, text: 'a' }, `connection ${connection} learns it again`)
    t.same(await publication(raw), { topic: '', alias: 1, text: 'b' })
    t.same(await publication(raw), { topic: '', alias: 1, text: 'c' })
    await send(server, { app: 'alias', version: '1.0' }, 'broadcast')
    await send(server, { app: 'alias', version: '1.0' }, 'again')
    t.same(await publication(raw), { topic: 'alias/1.0', alias: 2, text: 'broadcast' })
    t.same(await publication(raw), { topic: '', alias: 2, text: 'again' })
    await raw.end()
  }
})

await t.test('the client bounds their number, and the one used longest ago is given to the next topic', async (t) => {
  const issued = await issueToken(server, { app: 'few', device: 'one', version: '1.0' })
  const raw = await join(server, issued.token, { topicAliasMaximum: 1 })
  await raw.subscribe([issued.topics.private, 'few/1.0'])
  await sendEach(server, issued.tokenId, ['a'])
  t.same(await publication(raw), { topic: issued.topics.private, alias: 1, text: 'a' })
  await send(server, { app: 'few', version: '1.0' }, 'b')
  t.same(await publication(raw), { topic: 'few/1.0', alias: 1, text: 'b' })
  await sendEach(server, issued.tokenId, ['c'])
  t.same(await publication(raw), { topic: issued.topics.private, alias: 1, text: 'c' })
})

await t.test('who announces none gets none', async (t) => {
  const issued = await issueToken(server, { app: 'none', device: 'one' })
  for (const properties of [{}, { topicAliasMaximum: 0 }]) {
    const raw = await join(server, issued.token, properties)
    await raw.subscribe(issued.topics.private)
    await sendEach(server, issued.tokenId, ['a', 'b'])
    for (const text of ['a', 'b'])
      t.same(await publication(raw), { topic: issued.topics.private, alias: undefined, text })
    await raw.end()
  }
})

await t.test('a packet is never above the Maximum Packet Size, an alias included', async (t) => {
  const issued = await issueToken(server, { app: 'small', device: 'one' })
  const raw = await join(server, issued.token, { topicAliasMaximum: 5, maximumPacketSize: 100 })
  await raw.subscribe(issued.topics.private)
  const texts = Array.from({ length: 30 }, (_, index) => 'x'.repeat(index + 30))
  await sendEach(server, issued.tokenId, texts)
  await sendEach(server, issued.tokenId, ['end'])
  for (;;) {
    const { text } = await publication(raw)
    if (text === 'end') break
  }
  for (const packet of raw.packets.received) if (packet.cmd === 'publish') t.ok((packet.length ?? 0) + 2 <= 100)
})

await t.test('MQTT.js understands them, and mosquitto_sub gets none', async (t) => {
  const issued = await issueToken(server, { app: 'clients', device: 'one' })
  const js = await connectDevice(t, server, issued, { properties: { topicAliasMaximum: 4 }, subscribe: true })
  await sendEach(server, issued.tokenId, ['a', 'b'])
  t.equal((await js.next()).properties.topicAlias, 1)
  t.match(await js.next(), { text: 'b', properties: { topicAlias: 1 } })
  t.same(js.received.map(({ topic }) => topic).slice(1), [''], 'MQTT.js hands on the packet as it came')
  await js.end()
  // libmosquitto 2.0 refuses a PUBLISH without a topic, even where its user announces that it takes aliases.
  const sub = await mosquittoSub(t, server, '-V', '5', '-u', 'device', '-P', issued.token, '-t', issued.topics.private)
  await sendEach(server, issued.tokenId, ['c', 'd'])
  for (const payload of ['c', 'd']) t.match(await sub.next(), { payload, topic: issued.topics.private })
})

await t.test('a setting bounds them, and turns them off', async (t) => {
  const off = await startServer(t, { settings: { PUSH_TOPIC_ALIASES: '0' } })
  const issued = await issueToken(off, { app: 'off', device: 'one' })
  const raw = await join(off, issued.token, { topicAliasMaximum: 100 })
  await raw.subscribe(issued.topics.private)
  await sendEach(off, issued.tokenId, ['a', 'b'])
  for (const text of ['a', 'b'])
    t.same(await publication(raw), { topic: issued.topics.private, alias: undefined, text })
})

await t.test('the aliases of a client stand for what it said in this connection', async (t) => {
  const issued = await issueToken(server, { app: 'alias', device: 'publisher' })
  const upstream = `alias/u/${issued.tokenId}`
  const provider = { username: 'provider', password: Buffer.from(server.providerKey) }
  const listener = await connectProvider(t, server)
  await listener.subscribe('alias/u/#')
  const receiver = await issueToken(server, { app: 'alias', device: 'receiver' })
  const device = await connectDevice(t, server, receiver, { subscribe: true })
  for (const [who, topic, heard] of [
    [{ token: issued.token }, `${upstream}/a`, listener],
    [provider, receiver.topics.private, device],
  ] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    t.equal((await raw.connect(who)).properties?.topicAliasMaximum, 10)
    for (const [text, name, alias] of [
      ['1', topic, 1],
      ['2', '', 1],
      ['3', topic, 10],
      ['4', '', 10],
    ] as const) {
      const properties = { topicAlias: alias }
      raw.send({
        cmd: 'publish',
        topic: name,
        payload: text,
        qos: 1,
        messageId: 1,
        dup: false,
        retain: false,
        properties,
      })
      t.equal((await raw.next('puback')).reasonCode, 0)
      const arrival = await heard.next()
      t.match(arrival, { topic, text })
      t.equal(arrival.properties.topicAlias, undefined, 'an alias stays in its connection')
    }
    await raw.end()
    for (const [name, alias, reasonCode] of [
      ['', 1, 0x82],
      [topic, 11, 0x94],
    ] as const) {
      const again = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
      await again.connect(who)
      const properties = { topicAlias: alias }
      again.send({ cmd: 'publish', topic: name, payload: 'x', qos: 0, dup: false, retain: false, properties })
      t.match(await again.next('disconnect'), { reasonCode })
    }
  }
})

await t.test('none are taken where the setting says so', async (t) => {
  const none = await startServer(t, { settings: { PUSH_TOPIC_ALIAS_MAXIMUM: '0' } })
  const issued = await issueToken(none, { app: 'alias', device: 'publisher' })
  for (const who of [{ token: issued.token }, { username: 'provider', password: Buffer.from(none.providerKey) }]) {
    const raw = await connectRaw(t, none.mqttPort, { protocolVersion: 5 })
    t.equal((await raw.connect(who)).properties?.topicAliasMaximum, undefined)
    const properties = { topicAlias: 1 }
    raw.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, dup: false, retain: false, properties })
    t.match(await raw.next('disconnect'), { reasonCode: 0x94 })
  }
})
