// Does a provider that never reads what devices send upstream cost memory without bound, or keep others from being served?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  connectRaw,
  eventually,
  issueToken,
  metric,
  startServerProcess,
} from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { residentMiB } from './support/memory.ts'

const server = await startServerProcess(t, { settings: { PUSH_STALL_TIMEOUT: '1' } })
const healthy = await bystander(t, server)
const agent = new Agent({ keepAlive: true })
t.teardown(() => agent.destroy())

await t.test('50 MB upstream', async (t) => {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect({ username: 'provider', password: Buffer.from(server.providerKey) })
  await raw.subscribe('chat/u/#', 0)
  raw.pause()

  const listener = await connectProvider(t, server)
  await listener.subscribe('chat/u/#')
  const issued = await issueToken(server, { app: 'chat', device: 'talkative' })
  const device = await connectDevice(t, server, issued)

  const start = residentMiB(server.pid)
  let most = 0
  const text = 'x'.repeat(100_000)
  for (let count = 0; count < 500; count++) {
    await device.publish(`chat/u/${issued.tokenId}/x`, text)
    t.equal((await listener.next()).payload.length, text.length)
    if (count % 100 === 0) await healthy.isServed(t)
    most = Math.max(most, residentMiB(server.pid))
  }
  t.ok(most - start < 200, `50 MB past one that does not read cost ${Math.round(most - start)} MiB of memory`)
  await eventually(
    'the disconnection of the slow reader',
    async () => (await metric(server, 'push_disconnects_total', 'code="SLOW_READER"')) === 1,
  )
  await healthy.isServed(t)
})
