// With a very small PUSH_MAX_OUTPUT, does a device that reads get everything, without waiting for a sweep?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, issueToken, send, startServer } from '../support/index.ts'

const COUNT = 100
// Nothing but the end of a write can start the next delivery: no acknowledgement with QoS 0, no sweep, no wake.
const server = await startServer(t, {
  settings: { PUSH_MAX_OUTPUT: '1024', PUSH_SESSION_RECHECK: '3600', PUSH_WINDOW: '1000' },
})
const agent = new Agent({ keepAlive: true })
t.teardown(() => agent.destroy())
const texts = Array.from({ length: COUNT }, (_, count) => `${count} ${'x'.repeat(100)}`)

for (const transport of ['tcp', 'ws'] as const) {
  for (const qos of [0, 1] as const) {
    await t.test(`pending messages with QoS ${qos} over ${transport}`, async (t) => {
      const issued = await issueToken(server, { app: 'chat', device: `${transport}-${qos}` })
      for (const text of texts) await send(server, { token: issued.tokenId }, text, { agent })
      const device = await connectDevice(t, server, issued, { transport, manualAck: true })
      await device.subscribe(issued.topics.private, { qos })
      t.same(
        (await device.nextN(COUNT)).map(({ text }) => text),
        texts,
      )
    })
  }
}

await t.test('upstream messages to a provider', async (t) => {
  const issued = await issueToken(server, { app: 'chat', device: 'talker' })
  const device = await connectDevice(t, server, issued)
  const provider = await connectProvider(t, server)
  await provider.subscribe('chat/u/#')
  await Promise.all(texts.map((text) => device.publish(`chat/u/${issued.tokenId}/x`, text)))
  t.same((await provider.nextN(COUNT)).map(({ text }) => text).sort(), [...texts].sort())
})
