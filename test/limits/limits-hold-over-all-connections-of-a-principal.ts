// Do limits hold when their principal connects again, wills included, and is a new token free of what the revoked one did?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { embed, type Embedded } from '../plugin/support/embed.ts'
import { connectDevice, connectRaw, issueToken, revoke } from '../support/index.ts'

const CONNECTIONS = 5
const BURST = 10

async function refused({ push }: Embedded): Promise<number> {
  const { values } = await push.metrics.rejected.get()
  return values.find(({ labels }) => labels['code'] === 'PUBLISH_RATE_EXCEEDED')?.value ?? 0
}

/** Who publishes, where to, and the fields of their CONNECT. */
async function publishers(server: Embedded) {
  const { token, tokenId, topics } = await issueToken(server, { app: 'chat', device: 'phone' })
  return [
    { who: 'a device', topic: `chat/u/${tokenId}/x`, fields: { token } },
    {
      who: 'a provider',
      topic: topics.private,
      fields: { username: 'provider', password: Buffer.from(server.providerKey) },
    },
  ]
}

await t.test('publishes', async (t) => {
  const server = await embed(t, { limits: { devicePublishes: 1, providerPublishes: 1 } })
  for (const { who, topic, fields } of await publishers(server)) {
    let taken = 0
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
      await raw.connect(fields)
      for (let messageId = 1; messageId <= BURST; messageId++)
        raw.sendBytes(
          generate(
            { cmd: 'publish', topic, payload: 'x', qos: 1, messageId, dup: false, retain: false },
            { protocolVersion: 5 },
          ),
        )
      let last = await raw.next()
      for (; last.cmd === 'puback' && last.messageId !== BURST; last = await raw.next()) taken++
      if (last.cmd === 'puback') taken++
      await raw.end()
    }
    t.ok(taken < CONNECTIONS * BURST, `${taken} of ${CONNECTIONS * BURST} of ${who} were taken`)
  }
})

await t.test('wills of connections that are taken over', async (t) => {
  const server = await embed(t, { limits: { devicePublishes: 1, providerPublishes: 1 } })
  for (const { who, topic, fields } of await publishers(server)) {
    const before = await refused(server)
    for (let connection = 0; connection < CONNECTIONS * BURST; connection++) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
      const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false }
      await raw.connect({ ...fields, clientId: 'same', will })
    }
    t.ok((await refused(server)) > before, `not all wills of ${who} were taken`)
  }
})

await t.test('connects with a revoked token', async (t) => {
  const server = await embed(t, { limits: { connectsPerToken: 3 } })
  const phone = { app: 'chat', device: 'phone' }
  const revoked = await issueToken(server, phone)
  await revoke(server, revoked.tokenId)
  const again = await issueToken(server, phone)
  const codes: (number | undefined)[] = []
  for (let attempt = 0; attempt < 5; attempt++) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    codes.push((await raw.connect({ token: revoked.token })).reasonCode)
  }
  t.same(codes, [0x87, 0x87, 0x87, 0x9f, 0x9f])
  const device = await connectDevice(t, server, again)
  t.equal(device.client.connected, true, 'the token that replaced it connects')
})
