// Does the connection above the limit hurt those below it, and is there room again when one leaves?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import { connectDevice, eventually, issueToken, request, send, startServer } from '../support/index.ts'
import { openWire } from './support/wire.ts'

const server = await startServer(t, { settings: { PUSH_MAX_CONNECTIONS: '3' } })
// HTTP connections are counted too: the tests have one.
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
t.teardown(() => agent.destroy())
const metrics = async () => (await request(server, 'GET', '/metrics', { agent })).text

await t.test('a server with room for three', async (t) => {
  const issued = await issueToken(server, { app: 'chat', device: 'one' })
  const late = await issueToken(server, { app: 'chat', device: 'late' })
  const one = await connectDevice(t, server, issued, { subscribe: true })
  const served = async (what: string) => {
    await send(server, { token: issued.tokenId }, what, { agent })
    t.equal((await one.next()).text, what)
  }
  const silent = await openWire(t, server, 'tcp', 4)
  await served('those that were there are served')
  for (const transport of ['tcp', 'ws'] as const) {
    for (let count = 0; count < 20; count++) await t.rejects(connectDevice(t, server, late, { transport }))
  }
  const refused = /push_disconnects_total\{code="CONNECTIONS_LIMIT"\} (\d+)/.exec(await metrics())?.[1]
  t.ok(Number(refused) >= 40, 'each is counted')
  await served('those that were there stay')
  t.match(await metrics(), /push_connections\{principal="device"\} 1\n/)

  silent.send(Buffer.from([0xc0, 0x00]))
  await silent.closed
  const device = await eventually('room for another one', () => connectDevice(t, server, late).catch(() => undefined))
  await device.subscribe(late.topics.private)
  await t.rejects(connectDevice(t, server, issued), 'and then it is full again, also for a takeover')
  await served('and afterwards')
})
