// Does an upgrade to a path that is not ours reach the embedder's own WebSocket, and is it answered where nobody takes it?
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { WebSocket, WebSocketServer } from 'ws'
import { createPush } from '../../index.ts'
import { converse, upgradeTo } from '../bridge/support/raw.ts'
import { connectDevice, temporaryFolder } from '../support/index.ts'
import { PROVIDER_KEY } from './support/embed.ts'

async function listening(t: Test) {
  const push = await createPush({
    dataDir: temporaryFolder(t),
    providers: [{ name: 'backend', key: PROVIDER_KEY }],
  })
  const server = createServer((_incoming, outgoing) => void outgoing.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    await push.close()
  })
  const { port } = server.address() as AddressInfo
  const { token } = await push.issueToken({ app: 'chat', device: 'phone' })
  return { push, server, port, token, target: { httpPort: port, mqttPort: 0, providerKey: PROVIDER_KEY } }
}

await t.test('beside a WebSocket of the embedder', async (t) => {
  const { push, server, port, token, target } = await listening(t)
  const own = new WebSocketServer({ noServer: true })
  push.webSocket(server, '/push/')
  server.on('upgrade', (request, socket: Duplex, head) => {
    if (request.url === '/own') own.handleUpgrade(request, socket, head, (webSocket) => webSocket.send('welcome'))
    else if (request.url !== '/push') socket.end('HTTP/1.1 418 no\r\n\r\n')
  })
  const client = new WebSocket(`ws://127.0.0.1:${port}/own`)
  t.equal(String((await once(client, 'message'))[0]), 'welcome')
  client.close()
  await once(client, 'close')
  const device = await connectDevice(t, target, token, { url: `ws://127.0.0.1:${port}/push` })
  await device.end()
  t.match(await converse(t, port, upgradeTo('/elsewhere')), /^HTTP\/1\.1 418 /, 'another path is for the embedder')
})

await t.test('two of ours, and nobody else', async (t) => {
  const { push, server, port, token, target } = await listening(t)
  push.webSocket(server, '/one')
  const stop = push.webSocket(server, '/two')
  for (const path of ['one', 'two']) {
    const device = await connectDevice(t, target, token, { url: `ws://127.0.0.1:${port}/${path}` })
    await device.end()
  }
  t.match(await converse(t, port, upgradeTo('/three')), /^HTTP\/1\.1 404 .*"code":"NOT_FOUND"/s)
  stop()
  t.match(await converse(t, port, upgradeTo('/two')), /^HTTP\/1\.1 404 .*"code":"NOT_FOUND"/s)
})
