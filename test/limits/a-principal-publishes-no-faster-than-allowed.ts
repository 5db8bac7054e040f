// Is a device or provider that publishes too fast told so and closed, after ten seconds' worth, and the rest served?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { connectRaw, issueToken, metric, startServer } from '../support/index.ts'
import { bystander } from '../hostile/support/bystander.ts'

const server = await startServer(t, {
  settings: { PUSH_MAX_DEVICE_PUBLISHES: '1', PUSH_MAX_PROVIDER_PUBLISHES: '1', PUSH_RECEIVE_MAXIMUM: '1000' },
})
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'talker' })
const roles = {
  device: { fields: { token: issued.token }, topic: `chat/u/${issued.tokenId}/x` },
  provider: {
    fields: { username: 'provider', password: Buffer.from(server.providerKey) },
    topic: issued.topics.private,
  },
}

for (const [role, { fields, topic }] of Object.entries(roles)) {
  await t.test(role, async (t) => {
    const before = await metric(server, 'push_disconnects_total', 'code="PUBLISH_RATE_EXCEEDED"')
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect(fields)
    for (let messageId = 1; messageId <= 50; messageId++)
      raw.sendBytes(
        generate(
          { cmd: 'publish', topic, payload: 'x', qos: 1, messageId, dup: false, retain: false },
          { protocolVersion: 5 },
        ),
      )
    t.match(await raw.next('disconnect'), { reasonCode: 0x96 })
    await raw.closed
    const acknowledged = raw.packets.received.filter(({ cmd }) => cmd === 'puback').length
    t.ok(acknowledged < 50, `${acknowledged} of 50 were taken`)
    t.equal(await metric(server, 'push_disconnects_total', 'code="PUBLISH_RATE_EXCEEDED"'), before + 1)
    await healthy.isServed(t)
  })
}
