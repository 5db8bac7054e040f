// Is a message that does not fit into a client's Maximum Packet Size skipped and counted, and the later ones delivered?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectRaw, issueToken, metric, send, startServer } from '../support/index.ts'
import { texts, untilPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const SIZE = 100

for (const kind of ['private', 'broadcast'] as const) {
  await t.test(kind, async (t) => {
    const version = `1.0.0-${kind}`
    const issued = await issueToken(server, { app, device: kind, version })
    const to = kind === 'private' ? { token: issued.tokenId } : { app, version }
    await send(server, to, 'small 1')
    await send(server, to, 'x'.repeat(SIZE))
    await send(server, to, 'small 2')
    const device = await connectDevice(t, server, issued, { properties: { maximumPacketSize: SIZE } })
    await device.subscribe(issued.topics[kind]!)
    t.same(texts(await device.nextN(2)), ['small 1', 'small 2'], 'from the backlog')
    await send(server, to, 'y'.repeat(SIZE))
    await send(server, to, 'small 3', { id: 'an id that makes the packet too large for itself'.repeat(2) })
    t.equal((await device.next()).text, 'small 3', 'live')
    await send(server, to, 'z'.repeat(SIZE), { retain: true })
    await send(server, to, 'small 4')
    t.equal((await device.next()).text, 'small 4')
    t.equal(await metric(server, 'push_skipped_total', `destination="${kind}"`), 3)
    await untilPending(server, issued, 3)
    await device.end()

    const larger = await connectDevice(t, server, issued)
    await larger.subscribe(issued.topics[kind]!)
    t.match(
      await larger.nextN(3),
      [
        { text: 'x'.repeat(SIZE), retain: false },
        { text: 'y'.repeat(SIZE), retain: false },
        { text: 'z'.repeat(SIZE), retain: true },
      ],
      'all fit elsewhere',
    )
  })
}

await t.test('no packet is larger, and one of exactly the size is sent', async (t) => {
  const issued = await issueToken(server, { app, device: 'exact', account: 'ada' })
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect({ token: issued.token, properties: { maximumPacketSize: SIZE } })
  await raw.subscribe(issued.topics.private)
  for (let length = 1; length <= SIZE; length++)
    await send(server, { token: issued.tokenId }, Buffer.alloc(length, 'a'))
  await send(server, { token: issued.tokenId }, 'last')
  const sizes: number[] = []
  const lengths: number[] = []
  for (;;) {
    const packet = await raw.next('publish')
    raw.puback(packet)
    if (String(packet.payload) === 'last') break
    lengths.push(packet.payload.length)
    // Fixed header of 2 bytes: every packet is below 128.
    sizes.push((packet.length ?? 0) + 2)
  }
  t.equal(Math.max(...sizes), SIZE)
  t.same(
    lengths,
    lengths.map((_, index) => index + 1),
    'the smaller ones all arrive, in order',
  )
})

await t.test('it holds for one connection, not for the token', async (t) => {
  const issued = await issueToken(server, { app, device: 'two', account: 'ada' })
  const small = await connectDevice(t, server, issued, { properties: { maximumPacketSize: SIZE } })
  await small.end()
  await send(server, { token: issued.tokenId }, 'x'.repeat(SIZE))
  const large = await connectDevice(t, server, issued, { subscribe: true })
  t.same(texts(await barrier(server, large)), ['x'.repeat(SIZE)])
})
