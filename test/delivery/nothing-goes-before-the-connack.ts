// Does a provider that resumes its session while messages arrive get its CONNACK first?
import { t } from '../support/tap.ts'
import { connectDevice, connectRaw, issueToken, startServer } from '../support/index.ts'

const ROUNDS = 15

const server = await startServer(t, { settings: { PUSH_MAX_DEVICE_PUBLISHES: '0' } })
const issued = await issueToken(server, { app: 'chat', device: 'talker' })
const device = await connectDevice(t, server, issued)
const provider = { username: 'provider', password: Buffer.from(server.providerKey), clientId: 'resumes', clean: false }

const first = await connectRaw(t, server.mqttPort)
await first.connect(provider)
await first.subscribe('chat/u/#', 0)
await first.end()

let talking = true
const talk = (async () => {
  for (let number = 0; talking; number++)
    await Promise.all(
      Array.from({ length: 20 }, () => device.publish(`chat/u/${issued.tokenId}/x`, String(number), { qos: 1 })),
    )
})()

await t.test('over many times', async (t) => {
  const firsts = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const raw = await connectRaw(t, server.mqttPort)
    raw.send({ ...provider, cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, keepalive: 0 })
    firsts.add((await raw.next()).cmd)
    await raw.reset()
  }
  talking = false
  await talk
  t.same([...firsts], ['connack'], 'never anything before it')
})
