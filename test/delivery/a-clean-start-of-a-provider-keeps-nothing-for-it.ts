// Is what devices publish kept for a provider's session that a clean start has discarded?
import { t } from '../support/tap.ts'
import { connectProvider, connectRaw, issueToken, startServer } from '../support/index.ts'

const HEARD = 0
const NOBODY = 0x10

await t.test('a clean start', async (t) => {
  const server = await startServer(t)
  const issued = await issueToken(server, { app: 'shop', device: 'till' })
  const device = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await device.connect({ token: issued.token })
  const topic = `shop/u/${issued.tokenId}/x`
  const publish = async (): Promise<number | undefined> => {
    device.send({ cmd: 'publish', topic, payload: 'order', qos: 1, messageId: 1, dup: false, retain: false })
    const { reasonCode } = await device.next('puback')
    return reasonCode
  }
  const how = { clientId: 'backend', properties: { sessionExpiryInterval: 1000 } }
  for (const filter of ['shop/u/#', '$share/group/shop/u/#']) {
    const kept = await connectProvider(t, server, { ...how, clean: false })
    await kept.subscribe(filter)
    await kept.end()
    t.equal(await publish(), HEARD, `${filter}: it waits for a session that is away`)
    await (await connectProvider(t, server, { ...how, clean: true })).end()
    t.equal(await publish(), NOBODY, `${filter}: nobody comes back to it`)
  }
})
