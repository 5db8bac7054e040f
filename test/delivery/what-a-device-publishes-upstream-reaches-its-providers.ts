// Does what a device publishes below its upstream topic reach the providers of its app, with every QoS, also later?
import { t } from '../support/tap.ts'
import {
  barrier,
  connectDevice,
  connectProvider,
  issueToken,
  metric,
  mosquittoPub,
  mosquittoSub,
  send,
  startServer,
} from '../support/index.ts'
import { numbered, texts } from './support/messages.ts'

const server = await startServer(t)
const upstreamOf = (topics: { private: string }) => topics.private.replace('/t/', '/u/')
const QOS = [0, 1, 2] as const

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const app = `shop-${protocolVersion}`
    const issued = await issueToken(server, { app, device: 'phone', account: 'ada' })
    const elsewhere = await issueToken(server, { app: `${app}-2`, device: 'phone', account: 'ada' })
    const upstream = upstreamOf(issued.topics)
    const provider = await connectProvider(t, server, { protocolVersion })
    t.same(await provider.subscribe(`${app}/u/#`, { qos: 2 }), [1], 'granted as other push topics are')
    const device = await connectDevice(t, server, issued, { protocolVersion, subscribe: true })
    const stranger = await connectDevice(t, server, elsewhere, { protocolVersion })
    await stranger.publish(`${upstreamOf(elsewhere.topics)}/status`, 'of another app')
    const before = await metric(server, 'push_upstream_total')
    for (const qos of QOS) {
      await device.publish(`${upstream}/status`, `state ${qos}`, { qos })
      t.match(await provider.next(), {
        text: `state ${qos}`,
        topic: `${upstream}/status`,
        qos: Math.min(qos, 1),
        retain: false,
        dup: false,
      })
    }
    await device.publish(`${upstream}/a/b/c`, Buffer.from([0, 1, 2]), { qos: 1 })
    t.match(await provider.next(), { topic: `${upstream}/a/b/c`, payload: Buffer.from([0, 1, 2]) })
    t.equal(await metric(server, 'push_upstream_total'), before + 4)
    t.equal(provider.received.length, 4)
    t.same(await barrier(server, device), [], 'and nothing comes back to the device')
  })
}

await t.test('many at once stay in order, for a session that ends and for one that is kept', async (t) => {
  const issued = await issueToken(server, { app: 'many', device: 'phone' })
  const kept = { clean: false, clientId: 'kept', properties: { sessionExpiryInterval: 3600 } }
  const providers = [await connectProvider(t, server), await connectProvider(t, server, kept)]
  for (const provider of providers) await provider.subscribe('many/u/#')
  for (const protocolVersion of [4, 5] as const) {
    const device = await connectDevice(t, server, issued, { protocolVersion })
    const messages = numbered(200, 1, `v${protocolVersion}`)
    await Promise.all(messages.map((text) => device.publish(`${upstreamOf(issued.topics)}/log`, text)))
    for (const provider of providers) t.same(texts(await provider.nextN(200)), messages)
  }
})

await t.test('a provider whose QoS is lower gets no more', async (t) => {
  const issued = await issueToken(server, { app: 'lower', device: 'phone' })
  const provider = await connectProvider(t, server)
  t.same(await provider.subscribe('lower/u/#', { qos: 0 }), [0])
  const device = await connectDevice(t, server, issued)
  for (const qos of QOS) {
    await device.publish(`${upstreamOf(issued.topics)}/status`, `state ${qos}`, { qos })
    t.match(await provider.next(), { text: `state ${qos}`, qos: 0 })
  }
})

await t.test('the properties of MQTT 5 go along', async (t) => {
  const issued = await issueToken(server, { app: 'props', device: 'phone' })
  const provider = await connectProvider(t, server)
  await provider.subscribe('props/u/#')
  const device = await connectDevice(t, server, issued)
  await device.publish(`${upstreamOf(issued.topics)}/status`, 'x', {
    properties: {
      contentType: 'text/plain',
      responseTopic: 'a/b',
      correlationData: Buffer.from('c'),
      userProperties: { k: 'v' },
    },
  })
  t.match((await provider.next()).properties, {
    contentType: 'text/plain',
    responseTopic: 'a/b',
    correlationData: Buffer.from('c'),
    userProperties: { k: 'v' },
  })
})

await t.test('mosquitto_pub to mosquitto_sub', async (t) => {
  const issued = await issueToken(server, { app: 'shell', device: 'phone' })
  const topic = `${upstreamOf(issued.topics)}/status`
  for (const version of ['mqttv311', 'mqttv5']) {
    const provider = ['-V', version, '-u', 'provider', '-P', server.providerKey]
    const sub = await mosquittoSub(t, server, ...provider, '-q', '2', '-t', 'shell/u/#')
    for (const qos of QOS) {
      const device = ['-V', version, '-u', 'device', '-P', issued.token]
      await mosquittoPub(t, server, ...device, '-q', String(qos), '-t', topic, '-m', `${version} ${qos}`)
      t.match(await sub.next(), { topic, payload: `${version} ${qos}`, qos: Math.min(qos, 1) })
    }
    await sub.stop()
  }
})

for (const protocolVersion of [4, 5] as const) {
  await t.test(`an offline provider gets it later, in order, protocol ${protocolVersion}`, async (t) => {
    const app = `later-${protocolVersion}`
    const issued = await issueToken(server, { app, device: 'phone' })
    const topic = `${upstreamOf(issued.topics)}/status`
    const kept = {
      protocolVersion,
      clean: false,
      clientId: `backend-${protocolVersion}`,
      ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
    }
    const provider = await connectProvider(t, server, kept)
    t.equal(provider.connack.sessionPresent, false)
    await provider.subscribe(`${app}/u/#`)
    await provider.reset()
    const publish = async (from: number) => {
      const device = await connectDevice(t, server, issued, { protocolVersion })
      for (const text of numbered(25, from)) await device.publish(topic, text, { qos: from === 1 ? 1 : 2 })
      await device.end()
    }
    await publish(1)
    const back = await connectProvider(t, server, kept)
    t.equal(back.connack.sessionPresent, true)
    t.same(texts(await back.nextN(25)), numbered(25))
    await back.end()

    await publish(26)
    await server.restart()
    await publish(51)
    const restarted = await connectProvider(t, server, kept)
    t.equal(restarted.connack.sessionPresent, true)
    t.same(texts(await restarted.nextN(50)), numbered(50, 26), 'also after a restart')
    t.equal(restarted.received.length, 50)
    await restarted.end()
  })
}

await t.test('a device publishes nowhere else', async (t) => {
  const issued = await issueToken(server, { app: 'alone', device: 'phone' })
  const other = await issueToken(server, { app: 'alone', device: 'tablet' })
  const provider = await connectProvider(t, server)
  await provider.subscribe('alone/u/#')
  const device = await connectDevice(t, server, issued, { subscribe: true })
  for (const topic of [
    issued.topics.private,
    other.topics.private,
    `${upstreamOf(other.topics)}/x`,
    'alone/1.0.0',
    'x',
  ]) {
    await t.rejects(device.publish(topic, 'no'), { code: 0x87 }, topic)
  }
  await send(server, { token: issued.tokenId }, 'still connected')
  t.equal((await device.next()).text, 'still connected')
  t.same(provider.received, [])
  const old = await connectDevice(t, server, other, { protocolVersion: 4 })
  old.client.publish(issued.topics.private, 'no', { qos: 1 })
  await old.closed
})
