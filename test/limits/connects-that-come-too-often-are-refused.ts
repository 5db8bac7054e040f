// Is a token, or an address, that connects again and again told so, while others and its live connection are left alone?
import { promisify } from 'node:util'
import { t } from '../support/tap.ts'
import { connectDevice, connectRaw, eventually, issueToken, metric, send, startServer } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

await t.test('one token', async (t) => {
  const server = await startServer(t, { settings: { PUSH_MAX_CONNECTS_PER_TOKEN: '3' } })
  const issued = await issueToken(server, { app: 'chat', device: 'flapping' })
  for (let count = 0; count < 2; count++) await (await connectDevice(t, server, issued)).end()
  const device = await connectDevice(t, server, issued, { subscribe: true })
  for (const [protocolVersion, answer] of [
    [5, { reasonCode: 0x9f }],
    [4, { returnCode: 3 }],
  ] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
    t.match(await raw.connect({ token: issued.token }), answer)
    await raw.closed
  }
  await send(server, { token: issued.token }, 'hello')
  t.equal((await device.next()).text, 'hello', 'the refused ones took nothing over')
  const other = await connectDevice(t, server, await issueToken(server, { app: 'chat', device: 'other' }))
  t.pass('another token connects')
  await other.end()
  t.equal(await metric(server, 'push_refused_connects_total', 'code="CONNECT_RATE_EXCEEDED"'), 2)
})

await t.test('one address', async (t) => {
  const server = await startServer(t, { settings: { PUSH_MAX_CONNECTS_PER_ADDRESS: '2' } })
  for (let count = 0; count < 2; count++) {
    const issued = await issueToken(server, { app: 'chat', device: `phone-${count}` })
    await connectDevice(t, server, issued, { transport: count === 0 ? 'tcp' : 'ws' })
  }
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  t.match(await raw.connect({ token: 'x.y.z' }), { reasonCode: 0x9f }, 'before anything else is looked at')
  t.ok(await server.waitForLog(/"address":"127\.0\.0\.1","code":"CONNECT_RATE_EXCEEDED","detail":"from this address"/))
})

await t.test('connections from one address', async (t) => {
  const server = await embed(t, { limits: { connectionsPerAddress: 2 } })
  const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
  const { http, metrics } = server.push
  const connections = promisify((done: (error: Error | null, count: number) => void) =>
    http.server.getConnections(done),
  )
  await eventually('the end of the request above', async () => (await connections()) === 0)
  const device = await connectDevice(t, server, issued, { transport: 'ws' })
  const silent = await connectRaw(t, server.mqttPort)
  await t.rejects(connectDevice(t, server, issued))
  const late = await connectRaw(t, server.mqttPort)
  await late.closed
  const { values } = await metrics.disconnects.get()
  t.ok(values.some(({ labels, value }) => labels.code === 'ADDRESS_CONNECTIONS_LIMIT' && value >= 2))
  await silent.end()
  t.equal(device.client.connected, true)
})
