// What does a device get for well-formed packets that make no sense: acknowledgements of nothing, AUTH, enhanced authentication?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectRaw, issueToken, send, startServer } from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const names = { app: 'chat', device: 'hostile' }

await t.test('acknowledgements of messages that were never sent change nothing', async (t) => {
  const issued = await issueToken(server, names)
  await send(server, { token: issued.tokenId }, 'pending')
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect({ token: issued.token })
  for (let packetId = 1; packetId <= 65_535; packetId += 13) raw.puback({ messageId: packetId })
  raw.send({ cmd: 'pubrel', messageId: 77 })
  t.match(await raw.next('pubcomp'), { messageId: 77, reasonCode: 0x92 })
  raw.send({ cmd: 'unsubscribe', messageId: 78, unsubscriptions: ['#', 'chat/t/x', '__proto__'] })
  t.match(await raw.next('unsuback'), { messageId: 78, granted: [0x11, 0x11, 0x11] })
  await raw.ping()
  await raw.end()
  const device = await connectDevice(t, server, issued, { subscribe: true })
  t.same(
    (await barrier(server, device)).map(({ text }) => text),
    ['pending'],
  )
  await device.end()
})

await t.test('QoS 2 acknowledgements to a server that never sends QoS 2', async (t) => {
  const issued = await issueToken(server, names)
  for (const cmd of ['pubrec', 'pubcomp'] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect({ token: issued.token })
    raw.send({ cmd, messageId: 5 })
    t.match(await raw.next('disconnect'), { reasonCode: 0x82 }, cmd)
    await raw.closed
  }
})

await t.test('a SUBSCRIBE with thousands of filters is answered in full', async (t) => {
  const issued = await issueToken(server, names)
  for (const protocolVersion of [4, 5] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
    await raw.connect({ token: issued.token })
    const filters = Array.from({ length: 5_000 }, (_, index) => `chat/${index}`)
    const { granted } = await raw.subscribe(filters)
    t.equal(granted.length, filters.length)
    t.equal(granted.filter((code) => code === 1).length, 100, 'as many as the server allows')
    t.same([...new Set(granted)].sort(), [1, protocolVersion === 5 ? 0x97 : 0x80].sort())
    const strange = ['__proto__', 'constructor', 'toString', issued.topics.private]
    const no = protocolVersion === 5 ? 0x87 : 0x80
    t.same((await raw.subscribe(strange)).granted.slice(0, 3), [no, no, no])
    await raw.end()
  }
})

await t.test('the others', (t) => healthy.isServed(t))
