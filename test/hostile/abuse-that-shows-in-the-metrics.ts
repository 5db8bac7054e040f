// Huge declared lengths, 65,535 unacknowledged ids, 201 topic levels, takeover loops: is each bounded, counted, harmless?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { connectRaw, eventually, issueToken, metric, startServerProcess } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { residentMiB } from './support/memory.ts'
import { hex } from './support/wire.ts'

const ALLOWED_MIB = 100
const server = await startServerProcess(t, {
  settings: { PUSH_MAX_CONNECTS_PER_TOKEN: '50', PUSH_MAX_DEVICE_PUBLISHES: '0' },
})
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'hostile' })
const upstream = `chat/u/${issued.tokenId}`
const provider = { username: 'provider', password: Buffer.from(server.providerKey) }
const closes = (code: string) => metric(server, 'push_disconnects_total', `code="${code}"`)
const refusals = (code: string) => metric(server, 'push_refused_connects_total', `code="${code}"`)
const start = residentMiB(server.pid)

async function isBounded(t: Parameters<typeof healthy.isServed>[0]): Promise<void> {
  await healthy.isServed(t)
  const grown = residentMiB(server.pid) - start
  t.ok(grown < ALLOWED_MIB, `memory grew by ${Math.round(grown)} MiB`)
}

await t.test('a declared length of 256 MiB, before and after CONNECT, a hundred times', async (t) => {
  for (let count = 0; count < 100; count++) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    if (count % 20 === 0) await raw.connect(provider)
    raw.sendBytes(count % 20 === 0 ? hex('30 ff ff ff 7f 0001') : hex("10 ff ff ff 7f 0004 'MQTT' 05 c2 0000 00"))
    await raw.closed
  }
  t.equal(await refusals('PACKET_TOO_LARGE'), 95)
  t.equal(await closes('PACKET_TOO_LARGE'), 5)
  await isBounded(t)
})

for (const [role, protocolVersion] of [
  ['device', 4],
  ['device', 5],
  ['provider', 4],
  ['provider', 5],
] as const) {
  await t.test(`65,535 unacknowledged ids of a ${role} on protocol ${protocolVersion}`, async (t) => {
    const before = await closes('RECEIVE_MAXIMUM_EXCEEDED')
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
    await raw.connect(role === 'device' ? { token: issued.token } : provider)
    const topic = role === 'device' ? `${upstream}/x` : issued.topics.private
    const all: Buffer[] = []
    for (let messageId = 1; messageId <= 65_535; messageId++)
      all.push(
        generate(
          { cmd: 'publish', topic, payload: 'x', qos: 2, messageId, dup: false, retain: false },
          { protocolVersion },
        ),
      )
    raw.sendBytes(Buffer.concat(all))
    await raw.closed
    await eventually('the count', async () => (await closes('RECEIVE_MAXIMUM_EXCEEDED')) === before + 1)
    t.ok(raw.packets.received.filter(({ cmd }) => cmd === 'pubrec').length <= (protocolVersion === 5 ? 64 : 640))
    await isBounded(t)
  })
}

await t.test('201 topic levels', async (t) => {
  const before = await closes('TOPIC_INVALID')
  for (const bytes of [
    generate(
      { cmd: 'publish', topic: `a${'/a'.repeat(200)}`, payload: 'x', qos: 1, messageId: 1, dup: false, retain: false },
      { protocolVersion: 5 },
    ),
    generate(
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `+${'/+'.repeat(200)}`, qos: 1 }] },
      { protocolVersion: 5 },
    ),
  ]) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect(provider)
    raw.sendBytes(bytes)
    t.equal((await raw.next('disconnect')).cmd, 'disconnect')
    await raw.closed
  }
  t.equal(await closes('TOPIC_INVALID'), before + 2)
  await isBounded(t)
})

await t.test('two clients that take the same session over again and again', async (t) => {
  const { token } = await issueToken(server, { app: 'chat', device: 'contested' })
  let refused = 0
  for (let round = 0; round < 100; round++) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    const { reasonCode } = await raw.connect({ token })
    if (reasonCode === 0x9f) refused += 1
  }
  t.ok(refused >= 40, `${refused} of 100 were told to wait`)
  t.equal(await refusals('CONNECT_RATE_EXCEEDED'), refused)
  await eventually('the takeovers in the metrics', async () => (await closes('SESSION_TAKEN_OVER')) >= 30)
  await isBounded(t)
})
