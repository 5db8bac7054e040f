// Is a client disconnected that promised a packet every second and sends none, and one that does send left alone?
import { t } from '../support/tap.ts'
import { connectRaw, issueToken, metric, startServer } from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'silent' })
const timeouts = () => metric(server, 'push_disconnects_total', 'code="KEEP_ALIVE_TIMEOUT"')

const roles = {
  device: { token: issued.token },
  provider: { username: 'provider', password: Buffer.from(server.providerKey) },
}

for (const [role, fields] of Object.entries(roles)) {
  for (const protocolVersion of [3, 4, 5] as const) {
    await t.test(`${role}, protocol ${protocolVersion}`, async (t) => {
      const before = await timeouts()
      const other = await issueToken(server, { app: 'chat', device: 'talking' })
      const talking = await connectRaw(t, server.mqttPort, { protocolVersion })
      await talking.connect({
        ...(role === 'device' ? { token: other.token } : fields),
        keepalive: 1,
        clientId: 'talking',
      })
      const pings = setInterval(() => talking.send({ cmd: 'pingreq' }), 250)
      t.teardown(() => clearInterval(pings))

      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect({ ...fields, keepalive: 1, clientId: 'silent' })
      if (protocolVersion === 5) t.match(await raw.next('disconnect'), { reasonCode: 0x8d })
      await raw.closed
      t.equal(await timeouts(), before + 1, 'counted')
      await talking.ping()
      clearInterval(pings)
      await talking.end()
    })
  }
}

await t.test('a keep alive of 0 is none', async (t) => {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect({ ...roles.device, keepalive: 0 })
  const other = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await other.connect({ ...roles.provider, keepalive: 1 })
  await other.closed
  await raw.ping()
  await raw.end()
})

await t.test('the others', (t) => healthy.isServed(t))
