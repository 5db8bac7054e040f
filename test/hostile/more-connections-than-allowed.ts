// Does the connection above the limit hurt those below it, and is there room again when one leaves?
import t from 'tap'
import { connectDevice, eventually, issueToken, metric, startServer } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { openWire } from './support/wire.ts'

const server = await startServer(t, { settings: { PUSH_MAX_CONNECTIONS: '3' } })
const healthy = await bystander(t, server)
const refused = () => metric(server, 'push_disconnects_total', 'code="CONNECTIONS_LIMIT"')

await t.test('a server with room for three', async (t) => {
  const one = await connectDevice(t, server, await issueToken(server, { app: 'chat', device: 'one' }))
  const silent = await openWire(t, server, 'tcp', 4)
  const issued = await issueToken(server, { app: 'chat', device: 'late' })
  for (const transport of ['tcp', 'ws'] as const) {
    for (let count = 0; count < 20; count++) await t.rejects(connectDevice(t, server, issued, { transport }))
  }
  t.ok((await refused()) >= 40, 'each is counted')
  await healthy.isServed(t, 'those that were there stay')
  t.equal(one.client.connected, true)
  t.equal(await metric(server, 'push_connections', 'principal="device"'), 2)

  await one.end()
  const late = await eventually('room for another one', () => connectDevice(t, server, issued).catch(() => undefined))
  await late.subscribe(issued.topics.private)
  await t.rejects(connectDevice(t, server, issued), 'and then it is full again, also for a takeover')
  await healthy.isServed(t)
  silent.send(Buffer.from([0xc0, 0x00]))
  await silent.closed
})
