// Is a QoS 0 subscription served at most once, with the cursor moving on write, and is a QoS 2 subscription granted 1?
import { t } from '../support/tap.ts'
import { type Issued, barrier, connectDevice, issueToken, send, startServer } from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'

for (const protocolVersion of [3, 4, 5] as const) {
  for (const kind of ['private', 'broadcast'] as const) {
    const version = `1.0.0-${kind}-${protocolVersion}`
    const token = (device: string) => issueToken(server, { app, device: `${version} ${device}`, version })
    const to = (issued: Issued) => (kind === 'private' ? { token: issued.tokenId } : { app, version })

    await t.test(`QoS 0, protocol ${protocolVersion}, ${kind}`, async (t) => {
      const issued = await token('zero')
      const messages = numbered(50)
      await sendEach(t, server, to(issued), messages)
      const device = await connectDevice(t, server, issued, { protocolVersion, manualAck: true })
      t.same(await device.subscribe(issued.topics[kind]!, { qos: 0 }), [0])
      const arrived = await device.nextN(50)
      t.same(texts(arrived), messages)
      t.ok(arrived.every(({ qos, dup, packetId }) => qos === 0 && !dup && packetId === undefined))
      await send(server, to(issued), 'live')
      t.match(await device.next(), { text: 'live', qos: 0 })
      await untilNothingIsPending(server, issued)
      await device.reset()

      const again = await connectDevice(t, server, issued, { protocolVersion })
      await again.subscribe(issued.topics[kind]!)
      t.same(await barrier(server, again, to(issued)), [], 'at most once')
      await untilNothingIsPending(server, issued)
    })

    await t.test(`QoS 2, protocol ${protocolVersion}, ${kind}`, async (t) => {
      const issued = await token('two')
      const device = await connectDevice(t, server, issued, { protocolVersion })
      t.same(await device.subscribe(issued.topics[kind]!, { qos: 2 }), [1])
      await send(server, to(issued), 'exactly')
      t.match(await device.next(), { text: 'exactly', qos: 1 })
      t.same(await device.subscribe(issued.topics[kind]!, { qos: 0 }), [0], 'a subscription can be replaced')
      await send(server, to(issued), 'at most')
      t.match(await device.next(), { text: 'at most', qos: 0 })
    })
  }
}

await t.test('a QoS 0 subscription outside the session it was made in', async (t) => {
  const issued = await issueToken(server, { app, device: 'kept', account: 'ada' })
  const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
  const device = await connectDevice(t, server, issued, kept)
  await device.subscribe(issued.topics.private, { qos: 0 })
  await device.end()
  await send(server, { token: issued.tokenId }, 'while away')
  const resumed = await connectDevice(t, server, issued, kept)
  t.match(await resumed.next(), { text: 'while away', qos: 0 })
  t.same(await barrier(server, resumed), [])
})
