// Do the same requests arrive in any MQTT broker, on the topics of the design, with all that MQTT 5 can carry?
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Aedes, type AedesPublishPacket } from 'aedes'
import { t } from '../support/tap.ts'
import { request, send } from '../support/api.ts'
import type { Scope } from '../support/scope.ts'
import { eventually } from '../support/waiting.ts'
import { serveRemote } from './support/serve-remote.ts'

const PASSWORD = 'sec:ret@'
const TOKEN_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

async function plainBroker(t: Scope) {
  const published: AedesPublishPacket[] = []
  const broker = await Aedes.createBroker({
    authenticate(_client, username, password, done) {
      done(null, username === 'provider' && password?.toString() === PASSWORD)
    },
  })
  broker.on('publish', (packet, client) => {
    if (client !== null) published.push(packet)
  })
  const server = createServer((socket) => void broker.handle(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    await new Promise<void>((resolve) => broker.close(resolve))
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, published }
}

await t.test('MQTT 5', async (t) => {
  const broker = await plainBroker(t)
  const remote = await serveRemote(t, { brokerPort: broker.port, credentials: 'provider:sec%3Aret%40' })
  const post = (body: object) => request(remote, 'POST', '/v1/messages', { body })

  const other = 'BBBBBBBBBBBBBBBBBBBBBA'
  t.match(
    await post({ to: { app: 'chat', tokens: [TOKEN_ID, other, TOKEN_ID] }, payload: { text: 'Hi' }, ttl: 60, id: 'a' }),
    {
      status: 202,
      body: { id: 'a', accepted: 2, rejected: [] },
    },
  )
  t.match(broker.published.map(({ topic }) => topic).sort(), [`chat/t/${TOKEN_ID}`, `chat/t/${other}`])
  t.match(broker.published[0], {
    payload: Buffer.from('{"text":"Hi"}'),
    qos: 1,
    retain: false,
    properties: {
      messageExpiryInterval: 60,
      contentType: 'application/json',
      payloadFormatIndicator: true,
      userProperties: { id: 'a' },
    },
  })

  const range = await send(remote, { app: 'chat', versions: '>=2 <3' }, Buffer.from([0xff]), { retain: true })
  t.match(broker.published[2], {
    topic: 'chat/*',
    payload: Buffer.from([0xff]),
    retain: true,
    properties: { messageExpiryInterval: 604_800, userProperties: { id: range.id, versions: '>=2 <3' } },
  })
  await send(remote, { app: 'chat', versions: '*' }, 'x')
  t.match(broker.published[3], { topic: 'chat/*', properties: { userProperties: { versions: '*' } } })
  await send(remote, { app: 'chat', version: '1.0+b7' }, 'x')
  t.match(broker.published[4]?.topic, 'chat/1.0%2Bb7')
  t.notMatch(broker.published[4]?.properties?.userProperties, { versions: String })
  await send(remote, { app: 'chat', version: '2.0', tags: { none: ['b'], any: ['beta', 'a"'] } }, 'x')
  const tags = '{"any":["a\\"","beta"],"none":["b"]}'
  t.match(broker.published[5], { topic: 'chat/2.0', properties: { userProperties: { tags } } })
  t.notMatch(broker.published[4]?.properties?.userProperties, { tags: String })
})

await t.test('MQTT 3.1.1, without what it has no place for', async (t) => {
  const broker = await plainBroker(t)
  const remote = await serveRemote(t, {
    brokerPort: broker.port,
    username: 'provider',
    password: PASSWORD,
    protocolVersion: 4,
  })
  const to = { app: 'chat', token: TOKEN_ID }
  const post = (body: object) => request(remote, 'POST', '/v1/messages', { body })
  t.match(await post({ to, payload: 'x', retain: true }), { status: 202, body: { accepted: 1 } })
  t.match(broker.published, [{ topic: `chat/t/${TOKEN_ID}`, qos: 1, retain: true }])
  const tagged = { to: { app: 'chat', version: '1', tags: { any: ['beta'] } } }
  for (const fields of [{ id: 'a' }, { ttl: 60 }, { to: { app: 'chat', versions: '*' } }, tagged]) {
    const answer = await post({ to, payload: 'x', ...fields })
    t.match(answer, { status: 501, body: { code: 'UNSUPPORTED_BY_BRIDGE', detail: /3\.1\.1/ } })
  }
  t.equal(broker.published.length, 1)
})

await t.test('a password that the broker refuses', async (t) => {
  const broker = await plainBroker(t)
  const password = 'not-the-password'
  const remote = await serveRemote(t, { brokerPort: broker.port, username: 'provider', password, offline: true })
  await eventually('two tries', () => remote.logs.filter((line) => /Not authorized/i.test(line)).length >= 2)
  const body = { to: { app: 'chat', versions: '*' }, payload: 'x' }
  t.match(await request(remote, 'POST', '/v1/messages', { body }), {
    status: 503,
    body: { code: 'UPSTREAM_UNAVAILABLE' },
  })
  t.notOk(remote.logs.join('').includes(password))
})
