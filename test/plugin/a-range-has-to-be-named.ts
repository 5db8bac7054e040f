// Is a provider's PUBLISH to `<app>/*` without the user property `versions` refused, and to a version as before?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, issueToken } from '../support/index.ts'
import { embed } from './support/embed.ts'

await t.test('MQTT 5', async (t) => {
  const server = await embed(t)
  const issued = await issueToken(server, { app: 'chat', device: 'phone', version: '2.1.0' })
  const device = await connectDevice(t, server, issued)
  await device.subscribe('chat/2.1.0')
  const provider = await connectProvider(t, server)
  await t.rejects(provider.client.publishAsync('chat/*', 'to whom?', { qos: 1 }), { code: 0x90 })
  for (const versions of ['', 'one or two'])
    await t.rejects(
      provider.client.publishAsync('chat/*', 'to whom?', { qos: 1, properties: { userProperties: { versions } } }),
      { code: 0x90 },
    )
  await provider.client.publishAsync('chat/*', 'all', { qos: 1, properties: { userProperties: { versions: '*' } } })
  t.equal((await device.next()).text, 'all')
  await provider.client.publishAsync('chat/2.1.0', 'one', { qos: 1 })
  t.equal((await device.next()).text, 'one')
})
