// Does a device that takes topic aliases get a topic once and its alias from then on, never more aliases than allowed?
import t from 'tap'
import {
  connectDevice,
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
    t.same(await publication(raw), { topic, alias: 1, text: 'a' }, `connection ${connection} learns it anew`)
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
