// Can a client publish by its will what it could not publish itself?
import { t } from '../support/tap.ts'
import {
  barrier,
  connect,
  connectDevice,
  connectProvider,
  connectRaw,
  issueToken,
  startServer,
} from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const ann = await issueToken(server, { app: 'chat', device: 'phone-1', version: '1.0' })
const annDevice = await connectDevice(t, server, ann, { subscribe: true })
await annDevice.subscribe('chat/1.0')
const mallory = await issueToken(server, { app: 'chat', device: 'phone-2' })
const provider = await connectProvider(t, server)
await provider.subscribe('chat/u/#')
const own = `chat/u/${mallory.tokenId}/gone`
const will = (topic: string, qos: 0 | 1 | 2 = 1) => ({ topic, payload: Buffer.from('evil'), qos, retain: true })

const FOREIGN = [
  ann.topics.private,
  mallory.topics.private,
  'chat/1.0',
  `chat/u/${ann.tokenId}/x`,
  `chat/u/${mallory.tokenId}`,
  'news',
  '$SYS/x/new/clients',
]

await t.test('a will of a device to anywhere but upstream refuses its CONNECT', async (t) => {
  for (const topic of FOREIGN) {
    for (const protocolVersion of [3, 4, 5] as const) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      const connack = await raw.connect({ token: mallory.token, will: will(topic) })
      t.equal(protocolVersion === 5 ? connack.reasonCode : connack.returnCode, protocolVersion === 5 ? 0x87 : 5, topic)
      await raw.closed
    }
  }
  t.same(await barrier(server, annDevice), [])
  t.same(await barrier(server, annDevice, { app: 'chat', version: '1.0' }), [])
})

await t.test('a will upstream comes when the connection is cut, and not after a DISCONNECT', async (t) => {
  for (const protocolVersion of [3, 4, 5] as const) {
    const polite = await connectDevice(t, server, mallory, {
      protocolVersion,
      will: { ...will(own), payload: Buffer.from('never') },
    })
    await polite.end()
    const cut = await connectDevice(t, server, mallory, {
      protocolVersion,
      will: { ...will(own), payload: Buffer.from(`cut ${protocolVersion}`) },
    })
    await cut.reset()
    const arrival = await provider.next()
    t.same([arrival.topic, arrival.text], [own, `cut ${protocolVersion}`])
  }
})

await t.test('a will of a provider goes the way of its messages', async (t) => {
  for (const [topic, arrives] of [
    [ann.topics.private, true],
    ['chat/1.0', true],
    [`chat/u/${ann.tokenId}/x`, false],
    ['news', false],
  ] as const) {
    const connecting = connect(
      t,
      server,
      { username: 'provider', password: server.providerKey },
      { protocolVersion: 4, will: { topic, payload: Buffer.from(`will of ${topic}`), qos: 1, retain: false } },
    )
    if (!arrives) {
      await t.rejects(connecting, { code: 5 }, topic)
      continue
    }
    await (await connecting).reset()
    t.equal((await annDevice.next()).text, `will of ${topic}`)
  }
  t.same(await barrier(server, annDevice), [])
  t.same(await barrier(server, annDevice, { app: 'chat', version: '1.0' }), [])
  const device = await connectDevice(t, server, mallory)
  await device.publish(own, 'the next thing the provider hears')
  t.equal((await provider.next()).text, 'the next thing the provider hears')
})

await t.test('the others', (t) => healthy.isServed(t))
