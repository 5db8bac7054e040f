// With an idle timeout, is a silent client without keep alive closed, one that speaks kept, and MQTT 5 told the time?
import { t } from '../support/tap.ts'
import { connectRaw, issueToken, metric, startServer } from '../support/index.ts'

const server = await startServer(t, { settings: { PUSH_IDLE_TIMEOUT: '3' } })

for (const protocolVersion of [4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const before = await metric(server, 'push_disconnects_total', 'code="IDLE_TIMEOUT"')
    const [silent, speaking] = await Promise.all(
      ['silent', 'speaking'].map(async (device) => {
        const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
        const { token } = await issueToken(server, { app: 'chat', device })
        const connack = await raw.connect({ token, keepalive: 0 })
        if (protocolVersion === 5) t.equal(connack.properties?.serverKeepAlive, 2)
        return raw
      }),
    )
    const speak = setInterval(() => speaking?.send({ cmd: 'pingreq' }), 500)
    t.teardown(() => clearInterval(speak))
    await silent?.closed
    if (protocolVersion === 5) t.match(silent?.packets.received.at(-1), { cmd: 'disconnect', reasonCode: 0x8d })
    t.equal(await metric(server, 'push_disconnects_total', 'code="IDLE_TIMEOUT"'), before + 1)
    await speaking?.ping()
    t.pass('who speaks stays')
  })
}
