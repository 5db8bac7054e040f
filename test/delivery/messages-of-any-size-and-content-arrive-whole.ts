// Do payloads of every size up to the largest, and of any bytes, arrive as they were sent, live and from a backlog?
import { createHash, randomBytes } from 'node:crypto'
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectProvider, issueToken, send, startServer } from '../support/index.ts'
import { untilNothingIsPending } from './support/messages.ts'

const LARGEST = 256 * 1024
const server = await startServer(t)
const app = 'shop'
const sizes = [0, 1, 127, 128, 16_383, 16_384, 65_535, 65_536, LARGEST - 1, LARGEST, LARGEST, LARGEST, LARGEST, LARGEST]
const payloads = sizes.map((size) => randomBytes(size))
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const hashes = payloads.map(hash)

for (const transport of ['tcp', 'ws'] as const) {
  for (const protocolVersion of [4, 5] as const) {
    await t.test(`protocol ${protocolVersion} over ${transport}`, async (t) => {
      const version = `${protocolVersion}.0.0-${transport}`
      const issued = await issueToken(server, { app, device: version, version })
      const destinations = { private: { token: issued.tokenId }, broadcast: { app, version } }
      for (const payload of payloads) await send(server, destinations.private, payload)
      const device = await connectDevice(t, server, issued, { protocolVersion, transport })
      for (const kind of ['private', 'broadcast'] as const) {
        await device.subscribe(issued.topics[kind]!)
        if (kind === 'broadcast') for (const payload of payloads) await send(server, destinations.broadcast, payload)
        const arrived = await device.nextN(payloads.length)
        t.same(
          arrived.map(({ payload }) => hash(payload)),
          hashes,
          kind,
        )
        t.same(await barrier(server, device, destinations[kind]), [])
        await untilNothingIsPending(server, issued)
      }
    })
  }
}

await t.test('the largest over MQTT, and nothing beyond it', async (t) => {
  const issued = await issueToken(server, { app, device: 'mqtt' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  const provider = await connectProvider(t, server)
  await provider.publish(issued.topics.private, payloads.at(-1)!)
  t.equal(hash((await device.next()).payload), hashes.at(-1))
  await t.rejects(provider.publish(issued.topics.private, Buffer.alloc(LARGEST + 1)), { code: 0x83 })
  await t.rejects(send(server, { token: issued.tokenId }, Buffer.alloc(LARGEST + 1)), { code: 'PAYLOAD_TOO_LARGE' })
  t.same(await barrier(server, device), [])
})

await t.test('any text and any JSON', async (t) => {
  const issued = await issueToken(server, { app, device: 'text' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  const texts = ['', ' ', '\u0000', 'żółć 🦆 \u{10FFFF}', 'line\r\nline', '"quoted"', 'null']
  for (const text of texts) {
    await send(server, { token: issued.tokenId }, text)
    t.equal((await device.next()).text, text)
  }
  for (const value of [null, true, 0, -1.5e300, [], {}, { nested: [{ a: 'b' }] }, ['żółć']]) {
    await send(server, { token: issued.tokenId }, value)
    const { text, properties } = await device.next()
    t.same(JSON.parse(text), value)
    t.equal(properties.contentType, 'application/json')
  }
})
