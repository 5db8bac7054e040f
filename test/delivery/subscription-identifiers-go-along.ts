// Does a message carry the Subscription Identifier of the MQTT 5 subscription it is sent for, also in a resumed session?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, send, startServer } from '../support/index.ts'

const server = await startServer(t)
const app = 'shop'
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }

await t.test('one for each subscription', async (t) => {
  const issued = await issueToken(server, { app, device: 'phone', version: '1.0.0' })
  const device = await connectDevice(t, server, issued, kept)
  await device.subscribe(issued.topics.private, { properties: { subscriptionIdentifier: 1 } })
  await device.subscribe(issued.topics.broadcast!, { properties: { subscriptionIdentifier: 268_435_455 } })
  await device.subscribe(`${app}/2.0.0`)
  await send(server, { token: issued.tokenId }, 'private', { retain: true })
  t.equal((await device.next()).properties.subscriptionIdentifier, 1)
  await send(server, { app, version: '1.0.0' }, 'broadcast')
  t.equal((await device.next()).properties.subscriptionIdentifier, 268_435_455)
  await send(server, { app, version: '2.0.0' }, 'without')
  t.equal((await device.next()).properties.subscriptionIdentifier, undefined)

  await device.subscribe(issued.topics.private, { properties: { subscriptionIdentifier: 200 } })
  t.match(await device.next(), { text: 'private', retain: true, properties: { subscriptionIdentifier: 200 } })
  await device.end()
  await send(server, { token: issued.tokenId }, 'while away')
  const resumed = await connectDevice(t, server, issued, kept)
  t.match(await resumed.next(), { text: 'while away', properties: { subscriptionIdentifier: 200 } })
})

await t.test('devices with different identifiers share a broadcast', async (t) => {
  const devices = []
  for (const identifier of [undefined, 7, 8, 7]) {
    const issued = await issueToken(server, { app, device: `shared ${devices.length}`, version: '3.0.0' })
    const device = await connectDevice(t, server, issued)
    await device.subscribe(
      issued.topics.broadcast!,
      identifier === undefined ? {} : { properties: { subscriptionIdentifier: identifier } },
    )
    devices.push({ device, identifier })
  }
  await send(server, { app, versions: '*' }, 'to all')
  for (const { device, identifier } of devices) {
    t.equal((await device.next()).properties.subscriptionIdentifier, identifier)
  }
})
