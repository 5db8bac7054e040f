// Does the will of a device reach its providers when its connection is reset or taken over, and not after a DISCONNECT?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, issueToken, startServer, WAYS } from '../support/index.ts'

const server = await startServer(t)
const app = 'shop'

for (const { protocolVersion, transport } of WAYS) {
  await t.test(`protocol ${protocolVersion} over ${transport}`, async (t) => {
    const issued = await issueToken(server, { app, device: `phone ${protocolVersion} ${transport}` })
    const upstream = issued.topics.private.replace('/t/', '/u/')
    const provider = await connectProvider(t, server)
    await provider.subscribe(`${upstream}/#`)
    const online = (payload: string) =>
      connectDevice(t, server, issued, {
        protocolVersion,
        transport,
        will: { topic: `${upstream}/gone`, payload: Buffer.from(payload), qos: 1, retain: false },
      })
    const first = await online('reset')
    await first.reset()
    t.match(await provider.next(), { text: 'reset', topic: `${upstream}/gone`, qos: 1 })

    const second = await online('disconnected')
    await second.end()
    const third = await online('taken over')
    await third.publish(`${upstream}/status`, 'back')
    t.equal((await provider.next()).text, 'back', 'a DISCONNECT drops the will')
    const fourth = await online('still here')
    await third.closed
    t.match(await provider.next(), { text: 'taken over', topic: `${upstream}/gone` })
    await fourth.end()
    t.equal(provider.received.length, 3)
  })
}

await t.test('MQTT 5: a DISCONNECT with reason 0x04 asks for the will', async (t) => {
  const issued = await issueToken(server, { app, device: 'asks' })
  const upstream = issued.topics.private.replace('/t/', '/u/')
  const provider = await connectProvider(t, server)
  await provider.subscribe(`${upstream}/#`)
  const properties = { contentType: 'text/plain', userProperties: { why: 'lunch' } }
  const device = await connectDevice(t, server, issued, {
    will: { topic: `${upstream}/gone`, payload: Buffer.from('asked for'), qos: 2, retain: false, properties },
  })
  await device.client.endAsync(false, { reasonCode: 0x04 })
  t.match(await provider.next(), { text: 'asked for', properties })
})

await t.test('MQTT 5: a delayed will is dropped when the device is back in time', async (t) => {
  const issued = await issueToken(server, { app, device: 'delayed' })
  const upstream = issued.topics.private.replace('/t/', '/u/')
  const provider = await connectProvider(t, server)
  await provider.subscribe(`${upstream}/#`)
  const online = (payload: string, willDelayInterval: number) =>
    connectDevice(t, server, issued, {
      clean: false,
      properties: { sessionExpiryInterval: 3600 },
      will: {
        topic: `${upstream}/gone`,
        payload: Buffer.from(payload),
        qos: 1,
        retain: false,
        properties: { willDelayInterval },
      },
    })
  const first = await online('delayed', 1)
  await first.reset()
  const second = await online('later', 1)
  await second.publish(`${upstream}/status`, 'back')
  t.equal((await provider.next()).text, 'back')
  await second.reset()
  t.match(await provider.next(), { text: 'later', topic: `${upstream}/gone` }, 'the first will did not come')
})

await t.test('a will that may not be published refuses the CONNECT', async (t) => {
  const issued = await issueToken(server, { app, device: 'refused' })
  const other = await issueToken(server, { app, device: 'other' })
  for (const topic of [issued.topics.private, other.topics.private.replace('/t/', '/u/') + '/gone', 'elsewhere']) {
    const will = { topic, payload: Buffer.from('no'), qos: 1 as const, retain: false }
    await t.rejects(connectDevice(t, server, issued, { will }), { code: 0x87 }, topic)
  }
})
