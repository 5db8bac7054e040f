// Does a client ever get a packet above its Maximum Packet Size, however small that is, and is anything left of it?
import { t } from '../support/tap.ts'
import { connectRaw, eventually, issueToken, metric, startServer, type RawClient } from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const { token, topics } = await issueToken(server, { app: 'chat', device: 'tiny' })
const provider = { username: 'provider', password: Buffer.from(server.providerKey) }

/** Bytes of each packet that came; none has more than 16 KiB here. */
function sizes({ bytes }: RawClient): number[] {
  const found: number[] = []
  for (let at = 0; at + 1 < bytes.length; ) {
    const [low = 0, high = 0] = [bytes[at + 1], bytes[at + 2]]
    const size = low < 0x80 ? 2 + low : 3 + (low & 0x7f) + high * 128
    found.push(size)
    at += size
  }
  return found
}

async function join(fields: object, maximumPacketSize: number): Promise<RawClient> {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  raw.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId: `tiny-${maximumPacketSize}`,
    clean: true,
    keepalive: 0,
    properties: { maximumPacketSize },
    ...fields,
  })
  return raw
}

const DEVICE = { username: 'device', password: Buffer.from(token) }
const WHO = { 'a device': DEVICE, 'a provider': provider, 'a wrong key': { ...provider, password: Buffer.from('no') } }

for (const [name, credentials] of Object.entries(WHO)) {
  await t.test(`${name} that takes packets of a few bytes`, async (t) => {
    for (const maximum of [1, 2, 4, 5, 8, 12, 20, 30]) {
      const raw = await join(credentials, maximum)
      // Each is answered with a reason in words where there is room for it.
      for (const qos of [1, 2] as const)
        raw.send({ cmd: 'publish', topic: 'not/allowed', payload: 'x', qos, messageId: qos, dup: false, retain: false })
      raw.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: topics.private, qos: 1 }] })
      raw.sendBytes(Buffer.from([0xe1, 0x00]))
      await raw.closed
      t.ok(
        sizes(raw).every((size) => size <= maximum),
        `${maximum}: ${sizes(raw).join(' ')}`,
      )
      const [first] = raw.bytes
      t.ok(first === undefined || first === 0x20, 'nothing goes before the CONNACK')
    }
  })
}

await t.test('an answer that fits comes as it is, and its reason in words where there is room', async (t) => {
  for (const [maximum, worded] of [
    [40, false],
    [400, true],
  ] as const) {
    const raw = await join(DEVICE, maximum)
    t.equal((await raw.next('connack')).reasonCode, 0)
    raw.send({ cmd: 'publish', topic: 'not/ok', payload: 'x', qos: 1, messageId: 1, dup: false, retain: false })
    const puback = await raw.next('puback')
    t.equal(puback.reasonCode, 0x87)
    t.equal(puback.properties?.reasonString !== undefined, worded)
    raw.sendBytes(Buffer.from([0xe1, 0x00]))
    const disconnect = await raw.next('disconnect')
    t.equal(disconnect.reasonCode, 0x81)
    t.equal(disconnect.properties?.reasonString !== undefined, worded)
  }
})

await t.test('nothing is left of their connections', async (t) => {
  for (const [principal, count] of [
    ['device', 1],
    ['provider', 0],
  ] as const)
    await eventually(
      `${count} ${principal}`,
      async () => (await metric(server, 'push_connections', `principal="${principal}"`)) === count,
    )
  t.pass()
})

await t.test('the others', (t) => healthy.isServed(t))
