// Can a device publish to a private topic, to a broadcast topic, or upstream as somebody else?
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { connectProvider, connectRaw, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join, NEIGHBOURS } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)
const bob = await join(t, server, NEIGHBOURS['another device'])
const provider = await connectProvider(t, server)
await provider.subscribe(['chat/u/#', 'mail/u/#'])

const forbidden = (own: string, ownId: string) => [
  own,
  ann.issued.topics.private,
  'chat/1.0',
  'mail/1.0',
  `chat/u/${ann.issued.tokenId}/x`,
  `mail/u/${ownId}/x`,
  `chat/u/${ownId}`,
  `chat/u/${ownId}/`,
  `/chat/u/${ownId}/x`,
  'news',
  '$SYS/x/new/clients',
  `$push/p/provider/x`,
]

/** The provider still hears what Ann may say, and has heard nothing else. */
async function providerHeardOnlyAnn(t: Test): Promise<void> {
  const text = randomUUID()
  await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, text)
  const arrival = await provider.next()
  t.same([arrival.topic, arrival.text], [`chat/u/${ann.issued.tokenId}/x`, text])
}

await t.test('MQTT 5 says 0x87 in the PUBACK and stays', async (t) => {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect({ token: bob.issued.token })
  await bob.device.closed
  for (const [index, topic] of forbidden(bob.issued.topics.private, bob.issued.tokenId).entries()) {
    raw.send({ cmd: 'publish', topic, payload: 'evil', qos: 1, messageId: index + 1, dup: false, retain: false })
    t.match(await raw.next('puback'), { messageId: index + 1, reasonCode: 0x87 }, `${topic} is refused`)
    raw.send({ cmd: 'publish', topic, payload: 'evil', qos: 2, messageId: index + 100, dup: false, retain: true })
    t.match(await raw.next('pubrec'), { messageId: index + 100, reasonCode: 0x87 }, `${topic} with QoS 2 is refused`)
    raw.send({ cmd: 'publish', topic, payload: 'evil', qos: 0, dup: false, retain: true })
  }
  await raw.ping()
  raw.send({
    cmd: 'publish',
    topic: `chat/u/${bob.issued.tokenId}/x`,
    payload: 'good',
    qos: 1,
    messageId: 9,
    dup: false,
    retain: false,
  })
  t.match(await raw.next('puback'), { messageId: 9 })
  t.equal((await provider.next()).text, 'good', 'what it may publish arrives')
  await providerHeardOnlyAnn(t)
  await raw.end()
})

for (const protocolVersion of [3, 4] as const) {
  await t.test(`protocol ${protocolVersion} has no word for it: closed`, async (t) => {
    for (const qos of [0, 1, 2] as const) {
      for (const topic of forbidden(bob.issued.topics.private, bob.issued.tokenId)) {
        const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
        await raw.connect({ token: bob.issued.token })
        raw.send({ cmd: 'publish', topic, payload: 'evil', qos, messageId: 1, dup: false, retain: false })
        await raw.closed
        t.same(
          raw.packets.received.map(({ cmd }) => cmd),
          ['connack'],
          `${topic} with QoS ${qos} is closed without an acknowledgement`,
        )
      }
    }
    await providerHeardOnlyAnn(t)
  })
}

await t.test('nothing was delivered, stored or kept as retained', async (t) => {
  await getsItsOwn(t, server, ann)
  await gotNothing(t, server, ann)
  const again = await join(t, server, NEIGHBOURS['another device'])
  await gotNothing(t, server, again)
  const mail = await join(t, server, NEIGHBOURS['another app on the same device'])
  await gotNothing(t, server, mail)
  await providerHeardOnlyAnn(t)
})
