// Does an acknowledgement say that nobody subscribed, why a message was refused, and which packet ids are unknown?
import { t } from '../support/tap.ts'
import { connect, connectDevice, connectRaw, issueToken, type RawClient } from '../support/index.ts'
import { embed, JOE, usersWithJoe } from './support/embed.ts'

const embedded = await embed(t, { users: usersWithJoe({ mayPublish: (topic) => !topic.startsWith('no/') }) })
const CREDENTIALS = { username: JOE.username, password: Buffer.from(JOE.password) }

async function join(fields: object = {}, protocolVersion: 4 | 5 = 5): Promise<RawClient> {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion })
  await raw.connect({ ...CREDENTIALS, ...fields })
  return raw
}

const publish = (raw: RawClient, topic: string, qos: 1 | 2, messageId: number, dup = false) =>
  raw.send({ cmd: 'publish', topic, payload: 'x', qos, messageId, dup, retain: false })

await t.test('0x10 when nobody subscribed, whether here or away', async (t) => {
  const raw = await join()
  publish(raw, 'heard/a', 1, 1)
  t.match(await raw.next('puback'), { messageId: 1, reasonCode: 0x10 })
  publish(raw, 'heard/a', 2, 2)
  t.match(await raw.next('pubrec'), { messageId: 2, reasonCode: 0 }, 'as Mosquitto has it, with QoS 1 alone')
  raw.send({ cmd: 'pubrel', messageId: 2 })
  t.match(await raw.next('pubcomp'), { messageId: 2, reasonCode: 0 })
  const how = { clientId: 'listener', clean: false, properties: { sessionExpiryInterval: 100 } }
  const user = await connect(t, embedded, JOE, how)
  await user.subscribe('heard/+')
  publish(raw, 'heard/a', 1, 3)
  t.match(await raw.next('puback'), { messageId: 3, reasonCode: 0 })
  await user.end()
  publish(raw, 'heard/a', 1, 4)
  t.match(await raw.next('puback'), { messageId: 4, reasonCode: 0 })
})

await t.test('a push message is stored, whoever listens', async (t) => {
  const issued = await issueToken(embedded, { app: 'shop', device: 'phone' })
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  await raw.connect({ username: 'provider', password: Buffer.from(embedded.providerKey) })
  publish(raw, issued.topics.private, 1, 1)
  t.match(await raw.next('puback'), { messageId: 1, reasonCode: 0 })
  const device = await connectDevice(t, embedded, issued, { subscribe: true })
  await device.publish(`shop/u/${issued.tokenId}/x`, 'to nobody')
})

await t.test('a reason string, unless the client does not want any', async (t) => {
  const raw = await join()
  publish(raw, 'no/a', 1, 1)
  t.ok((await raw.next('puback')).properties?.reasonString)
  const issued = await issueToken(embedded, { app: 'shop', device: 'phone' })
  const device = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  await device.connect({ token: issued.token, properties: { requestProblemInformation: false } })
  for (const quiet of [await join({ properties: { requestProblemInformation: false } }), device]) {
    for (const [qos, answer] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      publish(quiet, 'no/a', qos, qos)
      const packet = await quiet.next(answer)
      t.equal(packet.reasonCode, 0x87)
      t.equal(packet.properties?.reasonString, undefined)
    }
  }
})

await t.test('a QoS 2 packet id that comes a third time is published once, until its PUBREL', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe('thrice/#', { qos: 2 })
  for (const protocolVersion of [4, 5] as const) {
    const raw = await join({}, protocolVersion)
    for (const dup of [false, true, true]) {
      publish(raw, 'thrice/a', 2, 1, dup)
      t.equal((await raw.next('pubrec')).messageId, 1)
    }
    for (const reasonCode of [0, 0x92]) {
      raw.send({ cmd: 'pubrel', messageId: 1 })
      const pubcomp = await raw.next('pubcomp')
      if (protocolVersion === 5) t.equal(pubcomp.reasonCode, reasonCode)
    }
    publish(raw, 'thrice/a', 2, 1)
    await raw.next('pubrec')
    await user.nextN(2)
  }
  t.equal(user.received.length, 4)
})

await t.test('acknowledgements of what was not sent', async (t) => {
  const raw = await join()
  raw.send({ cmd: 'pubrec', messageId: 77 })
  t.match(await raw.next('pubrel'), { messageId: 77, reasonCode: 0x92 })
  raw.send({ cmd: 'puback', messageId: 77 })
  raw.send({ cmd: 'pubcomp', messageId: 77 })
  raw.send({ cmd: 'pubrec', messageId: 78, reasonCode: 0x80 })
  await raw.ping()
  t.equal(raw.packets.received.filter(({ cmd }) => cmd === 'pubrel').length, 1, 'PUBREC with an error has no answer')
  await raw.subscribe('sent/#', 2)
  publish(raw, 'sent/a', 2, 1)
  const { messageId = 0 } = await raw.next('publish')
  raw.send({ cmd: 'puback', messageId })
  t.match(await raw.next('disconnect'), { reasonCode: 0x82 }, 'PUBACK for a message of QoS 2')
})

await t.test('PUBCOMP before PUBREC', async (t) => {
  const raw = await join()
  await raw.subscribe('early/#', 2)
  publish(raw, 'early/a', 2, 1)
  const { messageId = 0 } = await raw.next('publish')
  raw.send({ cmd: 'pubcomp', messageId })
  t.match(await raw.next('disconnect'), { reasonCode: 0x82 })
})

await t.test('PUBREC with an error ends a message', async (t) => {
  const raw = await join({ properties: { receiveMaximum: 1 } })
  await raw.subscribe('refused/#', 2)
  const writer = await connect(t, embedded, JOE)
  for (const text of ['1', '2']) await writer.publish('refused/a', text, { qos: 2 })
  const { messageId = 0 } = await raw.next('publish')
  raw.send({ cmd: 'pubrec', messageId, reasonCode: 0x80 })
  t.equal((await raw.next('publish')).payload.toString(), '2')
  t.notOk(raw.packets.received.some(({ cmd }) => cmd === 'pubrel'))
})

await t.test('an authentication method is answered with 0x8C', async (t) => {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  const connack = await raw.connect({ ...CREDENTIALS, properties: { authenticationMethod: 'SCRAM-SHA-1' } })
  t.equal(connack.reasonCode, 0x8c)
})
