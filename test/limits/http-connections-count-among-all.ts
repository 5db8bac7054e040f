// Do HTTP connections, idle ones and WebSockets too, take room among the connections in all, each once?
import { once } from 'node:events'
import { promisify } from 'node:util'
import { t } from '../support/tap.ts'
import { openRaw, upgradeTo } from '../bridge/support/raw.ts'
import { connectRaw, eventually, issueToken, within } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

await t.test('room for two', async (t) => {
  const server = await embed(t, { limits: { connections: 2 } })
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const refused = async () => {
    const { values } = await server.push.metrics.disconnects.get()
    return values.find(({ labels }) => labels.code === 'CONNECTIONS_LIMIT')?.value ?? 0
  }
  const count = promisify((done: (error: Error | null, count: number) => void) =>
    server.push.http.server.getConnections(done),
  )
  await eventually('the end of the request above', async () => (await count()) === 0)

  const webSocket = await openRaw(t, server.httpPort)
  webSocket.write(upgradeTo('/mqtt'))
  await once(webSocket, 'data')
  const device = await connectRaw(t, server.mqttPort)
  t.equal((await device.connect({ token: issued.token })).returnCode, 0, 'a WebSocket and its connection are one')

  const surplus = await openRaw(t, server.httpPort)
  await within('the close of HTTP', once(surplus, 'close'))
  const surplusMqtt = await connectRaw(t, server.mqttPort)
  await surplusMqtt.closed
  t.equal(await refused(), 2, 'each is counted')

  webSocket.destroy()
  await eventually('the end of the WebSocket', async () => (await count()) === 0)
  const idle = await openRaw(t, server.httpPort)
  idle.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
  t.match(String((await once(idle, 'data'))[0]), /^HTTP\/1\.1 200 /, 'there is room again')
})
