// What happens to a client that has more messages unacknowledged than the server's Receive Maximum?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectRaw, issueToken, startServer } from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const MAXIMUM = 4
const server = await startServer(t, {
  settings: { PUSH_RECEIVE_MAXIMUM: String(MAXIMUM), PUSH_MAX_DEVICE_PUBLISHES: '0' },
})
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
const receiver = await connectDevice(t, server, issued, { subscribe: true })
const talker = await issueToken(server, { app: 'chat', device: 'phone-2' })

const roles = {
  provider: {
    fields: { username: 'provider', password: Buffer.from(server.providerKey) },
    topic: issued.topics.private,
  },
  device: { fields: { token: talker.token }, topic: `chat/u/${talker.tokenId}/x` },
}

function burst(topic: string, count: number, qos: 1 | 2, protocolVersion: 4 | 5): Buffer {
  const packets = Array.from({ length: count }, (_, index) =>
    generate(
      { cmd: 'publish', topic, payload: `m${index}`, qos, messageId: index + 1, dup: false, retain: false },
      { protocolVersion },
    ),
  )
  return Buffer.concat(packets)
}

for (const [role, { fields, topic }] of Object.entries(roles)) {
  await t.test(`${role}: the maximum is announced, and as many at once are taken`, async (t) => {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    t.equal((await raw.connect(fields)).properties?.receiveMaximum, MAXIMUM)
    raw.sendBytes(burst(topic, MAXIMUM, 1, 5))
    const ids: unknown[] = []
    while (ids.length < MAXIMUM) ids.push((await raw.next('puback')).messageId)
    t.same(ids, [1, 2, 3, 4], 'acknowledged in order')
    await raw.ping()
    await raw.end()
  })

  await t.test(`${role}: QoS 2 beyond it, MQTT 5`, async (t) => {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect(fields)
    raw.sendBytes(burst(topic, MAXIMUM + 1, 2, 5))
    t.match(await raw.next('disconnect'), { reasonCode: 0x93 })
    await raw.closed
    const received = raw.packets.received.filter(({ cmd }) => cmd === 'pubrec')
    t.ok(received.length <= MAXIMUM, 'no more than that were taken')
  })

  // It knows no Receive Maximum, and waiting would keep the PUBRELs waiting that make room.
  await t.test(`${role}: QoS 2 beyond it, MQTT 3.1.1, is taken`, async (t) => {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 4 })
    await raw.connect(fields)
    raw.sendBytes(burst(topic, 3 * MAXIMUM, 2, 4))
    for (let messageId = 1; messageId <= 3 * MAXIMUM; messageId++) t.match(await raw.next('pubrec'), { messageId })
    for (let messageId = 1; messageId <= 3 * MAXIMUM; messageId++) {
      raw.send({ cmd: 'pubrel', messageId })
      t.match(await raw.next('pubcomp'), { messageId })
    }
    await raw.end()
  })

  // Some clients of MQTT 5 do not look at it, and 3.1.1 knows none: what is beyond it is not read yet.
  for (const protocolVersion of [4, 5] as const) {
    await t.test(`${role}: a thousand at once, protocol ${protocolVersion}, are all acknowledged`, async (t) => {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect(fields)
      raw.sendBytes(burst(topic, 1000, 1, protocolVersion))
      const ids: unknown[] = []
      while (ids.length < 1000) ids.push((await raw.next('puback')).messageId)
      t.same(
        ids,
        Array.from({ length: 1000 }, (_, index) => index + 1),
        'in order',
      )
      await raw.ping()
      await raw.end()
    })
  }
}

await t.test('what was acknowledged to a provider arrived', async (t) => {
  await barrier(server, receiver)
  const texts = receiver.received.map(({ text }) => text).filter((text) => text === 'm999')
  t.equal(texts.length, 2, 'the last one of each burst')
})

await t.test('the others', (t) => healthy.isServed(t))
