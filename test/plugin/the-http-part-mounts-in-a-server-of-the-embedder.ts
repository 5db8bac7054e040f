// Does the HTTP API work inside a server that the embedder listens with, beside his own paths, and MQTT over WebSocket too?
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { t } from '../support/tap.ts'
import { createPush } from '../../index.ts'
import { connectDevice, issueToken, lookup, request, send, temporaryFolder } from '../support/index.ts'
import { PROVIDER_KEY } from './support/embed.ts'

const push = await createPush({
  dataDir: temporaryFolder(t),
  providers: [{ name: 'backend', key: PROVIDER_KEY }],
})
await push.http.ready()
const server = createServer((incoming, outgoing) => {
  if (incoming.url === '/hello') outgoing.end('hello from the embedder')
  else push.http.routing(incoming, outgoing)
})
const stop = push.webSocket(server, '/push/mqtt')
server.listen(0, '127.0.0.1')
await once(server, 'listening')
t.teardown(async () => {
  server.close()
  await push.close()
})
const httpPort = (server.address() as AddressInfo).port
const target = { httpPort, mqttPort: 0, providerKey: PROVIDER_KEY }
const url = `ws://127.0.0.1:${httpPort}/push/mqtt`

await t.test('his paths and ours', async (t) => {
  t.equal((await request(target, 'GET', '/hello')).text, 'hello from the embedder')
  t.equal((await request(target, 'GET', '/healthz')).status, 200)
  t.equal((await request(target, 'GET', '/readyz')).status, 200)
  t.match(await request(target, 'GET', '/openapi.json'), { status: 200, body: { openapi: /^3\.1/ } })
  t.match(await request(target, 'GET', '/metrics'), { status: 200, text: /push_connections/ })
  t.match(await request(target, 'GET', '/nothing'), { status: 404, body: { code: 'NOT_FOUND' } })
})

await t.test('tokens, messages, lookup, and MQTT over WebSocket at a path of his choice', async (t) => {
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  await send(target, { token: issued.tokenId }, 'hello')
  t.match(await lookup(target, issued.token), { messages: [{ payload: 'hello' }] })
  const device = await connectDevice(t, target, issued, { url, subscribe: true })
  t.equal((await device.next()).text, 'hello')
  await send(target, { token: issued.token }, 'again')
  t.equal((await device.next()).text, 'again')
  await t.rejects(connectDevice(t, target, issued, { url: `ws://127.0.0.1:${httpPort}/mqtt` }), 'no other path')
  await device.end()
})

await t.test('after stop, no new WebSocket; after close, 503, while his own path works on', async (t) => {
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  const device = await connectDevice(t, target, issued, { url })
  stop()
  await t.rejects(connectDevice(t, target, issued, { url }))
  t.equal(device.client.connected, true, 'those that are there stay')
  await push.close()
  await device.closed
  t.equal(device.disconnectPacket?.reasonCode, 0x8b, 'and are told when it closes')
  t.match(await request(target, 'POST', '/v1/messages', { body: {} }), { status: 503, body: { code: 'SHUTTING_DOWN' } })
  t.equal((await request(target, 'GET', '/hello')).text, 'hello from the embedder')
})
