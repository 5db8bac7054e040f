// Do MQTT.js devices of every protocol version, over TCP and WebSocket, receive private, multicast and broadcast messages?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, send, startServer, WAYS } from '../support/index.ts'

const server = await startServer(t)

for (const { protocolVersion, transport } of WAYS) {
  await t.test(`protocol ${protocolVersion} over ${transport}`, async (t) => {
    const app = `shop-${protocolVersion}-${transport}`
    const issued = await issueToken(server, { app, device: 'phone', account: 'ada', version: '2.1.0' })
    const newer = await issueToken(server, { app, device: 'tablet', account: 'ada', version: '3.0.0' })
    const device = await connectDevice(t, server, issued, { protocolVersion, transport })
    const other = await connectDevice(t, server, newer, { protocolVersion, transport })
    t.same(await device.subscribe([issued.topics.private, issued.topics.broadcast!]), [1, 1])
    t.same(await other.subscribe([newer.topics.private, newer.topics.broadcast!]), [1, 1])

    await send(server, { token: issued.token }, 'by its token')
    t.match(await device.next(), { text: 'by its token', topic: issued.topics.private, qos: 1, retain: false })
    await send(server, { token: issued.tokenId }, { by: 'its token id' })
    t.match(await device.next(), { text: '{"by":"its token id"}', topic: issued.topics.private, qos: 1, dup: false })

    const multicast = await send(server, { tokens: [issued.token, newer.tokenId] }, Buffer.from([0, 255, 128]))
    t.match(multicast, { accepted: 2, rejected: [] })
    t.same((await device.next()).payload, Buffer.from([0, 255, 128]))
    t.match(await other.next(), { topic: newer.topics.private, payload: Buffer.from([0, 255, 128]) })

    await send(server, { app, version: '2.1.0' }, 'exactly 2.1.0')
    await send(server, { app, version: '3.0.0' }, 'exactly 3.0.0')
    await send(server, { app, versions: '>=2.1 <3' }, 'a range')
    await send(server, { app, versions: '*' }, 'all')
    const broadcasts = await device.nextN(3)
    t.same(
      broadcasts.map(({ text, topic, qos }) => ({ text, topic, qos })),
      ['exactly 2.1.0', 'a range', 'all'].map((text) => ({ text, topic: `${app}/2.1.0`, qos: 1 })),
    )
    t.match(await other.nextN(2), [
      { text: 'exactly 3.0.0', topic: `${app}/3.0.0` },
      { text: 'all', topic: `${app}/3.0.0` },
    ])

    t.same(await barrier(server, device), [], 'nothing else on the private topic')
    t.same(await barrier(server, device, { app, versions: '*' }), [], 'nothing else on the broadcast topic')
  })
}
