// What happens to a PUBLISH above the largest payload, above the largest packet, and above what a receiver can take?
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  connectRaw,
  eventually,
  issueToken,
  metric,
  startServer,
} from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
const device = await connectDevice(t, server, issued, { subscribe: true })
const other = await issueToken(server, { app: 'chat', device: 'phone-2' })
const provider = { username: 'provider', password: Buffer.from(server.providerKey) }
const publish = (topic: string, size: number, qos: 0 | 1 | 2) =>
  ({ cmd: 'publish', topic, payload: Buffer.alloc(size, 0x78), qos, messageId: 3, dup: false, retain: false }) as const

await t.test('300 KiB from a provider', async (t) => {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect(provider)
  raw.send(publish(issued.topics.private, 300 * 1024, 1))
  const puback = await raw.next('puback')
  t.match(puback, { messageId: 3 })
  t.ok(puback.reasonCode! >= 0x80, 'refused in the PUBACK')
  t.match(puback.properties?.reasonString, /larger/)
  raw.send(publish(issued.topics.private, 300 * 1024, 0))
  await raw.ping()
  raw.send(publish(issued.topics.private, 256 * 1024, 1))
  t.match(await raw.next('puback'), { reasonCode: 0 })
  t.equal((await device.next()).payload.length, 256 * 1024, 'the largest that is allowed arrives, and it alone')
  t.ok((await metric(server, 'push_rejected_total', 'code="PAYLOAD_TOO_LARGE"')) >= 2, 'the others are counted')
  await raw.end()

  const raw4 = await connectRaw(t, server.mqttPort, { protocolVersion: 4 })
  await raw4.connect(provider)
  raw4.send(publish(issued.topics.private, 300 * 1024, 1))
  await raw4.closed
  t.equal(raw4.packets.received.length, 1, '3.1.1: closed without an acknowledgement')
})

for (const [who, fields, topic] of [
  ['a provider', provider, issued.topics.private],
  ['a device', { token: other.token }, 'chat/u/x/y'],
] as const) {
  await t.test(`a packet of 400 KiB from ${who}`, async (t) => {
    for (const protocolVersion of [4, 5] as const) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      const connack = await raw.connect(fields)
      if (protocolVersion === 5) t.equal(connack.properties?.maximumPacketSize, 320 * 1024, 'the limit is announced')
      raw.send(publish(topic, 400 * 1024, 1))
      if (protocolVersion === 5) t.match(await raw.next('disconnect'), { reasonCode: 0x95 })
      await raw.closed
      t.equal(raw.packets.received.length, protocolVersion === 5 ? 2 : 1)
    }
  })
}

await t.test('a device that can take 200 bytes only', async (t) => {
  const small = await issueToken(server, { app: 'chat', device: 'phone-3' })
  const tiny = await connectDevice(t, server, small, { subscribe: true, properties: { maximumPacketSize: 200 } })
  const skipped = () => metric(server, 'push_skipped_total', 'destination="private"')
  const before = await skipped()
  const sender = await connectProvider(t, server)
  await sender.publish(small.topics.private, Buffer.alloc(1000))
  await sender.publish(small.topics.private, 'fits')
  t.equal((await tiny.next()).text, 'fits')
  await eventually('the skipped message counted', async () => (await skipped()) === before + 1)
  await sender.end()
})

await t.test('the others', (t) => healthy.isServed(t))
