// Where the other broker refuses what it does not know, does a bridge connect without it, and say once why it does not?
import { eventually } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startRemote } from './support/remote.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

await t.test('the bridge bit: refused', async (t) => {
  const remote = await startRemote(t)
  await serve(t, { bridges: [bridgeTo(remote.port, { topics: [topic('#', 'both')] })] })
  const first = await remote.welcome({ returnCode: 1 })
  t.match(first.connect, { bridgeMode: true })
  const { connect } = await remote.welcome()
  t.notOk(connect.bridgeMode)
  t.equal(connect.protocolVersion, 4)
})

await t.test('the bridge bit: closed', async (t) => {
  const remote = await startRemote(t)
  await serve(t, { bridges: [bridgeTo(remote.port, { topics: [topic('#', 'both')] })] })
  const first = await remote.accept()
  first.close()
  t.notOk((await remote.accept()).connect.bridgeMode)
})

await t.test('MQTT 5', async (t) => {
  const remote = await startRemote(t, 5)
  const bridge = bridgeTo(remote.port, { protocolVersion: 'mqttv50', topics: [topic('#', 'both')] })
  const { log } = await serve(t, { bridges: [bridge] })
  const first = await remote.accept()
  first.sendBytes(Buffer.from([0x20, 0x02, 0x00, 0x01]))
  const second = await remote.accept()
  t.equal(second.connect.protocolVersion, 4)
  t.match(log.join('\n'), /does not support MQTT v5.0, reconnecting using MQTT v3.1.1/)
})

for (const [reasonCode, will, said] of [
  [0x9b, { qos: 0, retain: true }, /QoS not supported \(will retry\)/],
  [0x9a, { qos: 1, retain: false }, /retain not available \(will retry\)/],
] as const) {
  await t.test(`a will: 0x${reasonCode.toString(16)}`, async (t) => {
    const remote = await startRemote(t, 5)
    const bridge = bridgeTo(remote.port, { protocolVersion: 'mqttv50', topics: [topic('#', 'both')] })
    const { log } = await serve(t, { bridges: [bridge] })
    t.match((await remote.welcome({ reasonCode })).connect.will, { qos: 1, retain: true })
    t.match((await remote.accept()).connect.will, will)
    t.match(log.join('\n'), said)
  })
}

await t.test('all else is said once', async (t) => {
  const remote = await startRemote(t)
  const { log } = await serve(t, { bridges: [bridgeTo(remote.port, { topics: [topic('#', 'both')] })] })
  for (let times = 0; times < 3; times++) await remote.welcome({ returnCode: 5 })
  await remote.welcome()
  await eventually('it is connected', () => log.some((line) => line.includes('connected to 127')))
  t.equal(log.filter((line) => line.includes('Connection Refused: not authorised')).length, 1)
})
