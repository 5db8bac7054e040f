// Do a user of push and a client of the embedder's own Aedes get each other's messages, also those that wait for them?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { connect, type Device } from '../support/index.ts'
import { attach, JOE, usersWithJoe } from './support/embed.ts'

const embedded = await attach(t, {}, { users: usersWithJoe() })
const CLIENT = { username: 'client', password: 'of the broker' }
const KEPT = { clean: false, properties: { sessionExpiryInterval: 100 } }

async function hears(t: Test, sender: Device, receiver: Device, topic: string): Promise<void> {
  await receiver.subscribe(topic, { qos: 2 })
  for (const qos of [0, 1, 2] as const) await sender.publish(topic, `${qos}`, { qos })
  const got = await receiver.nextN(3)
  t.same(
    got.map(({ text, qos }) => [text, qos]).sort(),
    [0, 1, 2].map((qos) => [`${qos}`, qos]),
  )
}

await t.test('while both are connected, each message once', async (t) => {
  for (const protocolVersion of [4, 5] as const) {
    const user = await connect(t, embedded, JOE, { protocolVersion })
    const client = await connect(t, embedded, CLIENT, { protocolVersion })
    await hears(t, user, client, `from/user/${protocolVersion}`)
    await hears(t, client, user, `from/client/${protocolVersion}`)
    t.equal(user.received.length + client.received.length, 6)
  }
})

await t.test('properties, and what the program publishes', async (t) => {
  const user = await connect(t, embedded, JOE)
  const client = await connect(t, embedded, CLIENT)
  const properties = { contentType: 'text/plain', userProperties: { a: '1', b: ['2', '3'] }, messageExpiryInterval: 60 }
  for (const [sender, receiver, topic] of [
    [user, client, 'p/user'],
    [client, user, 'p/client'],
  ] as const) {
    await receiver.subscribe(topic)
    await sender.publish(topic, 'x', { qos: 1, properties })
    const { contentType, userProperties, messageExpiryInterval = 0 } = (await receiver.next()).properties
    t.match({ contentType, userProperties }, { contentType: 'text/plain', userProperties: { a: '1', b: ['2', '3'] } })
    t.ok(messageExpiryInterval > 50 && messageExpiryInterval <= 60)
  }
  await user.subscribe('program')
  const packet = { cmd: 'publish', topic: 'program', payload: 'hello', qos: 1, dup: false, retain: false } as const
  await new Promise<void>((resolve) => embedded.broker.publish(packet, () => resolve()))
  t.equal((await user.next()).text, 'hello')
})

await t.test('sessions that are kept, wills and retained messages', async (t) => {
  for (const [kept, other] of [
    [JOE, CLIENT],
    [CLIENT, JOE],
  ]) {
    const how = { ...KEPT, clientId: `kept-${kept!.username}` }
    const before = await connect(t, embedded, kept!, how)
    await before.subscribe(`away/${kept!.username}/#`)
    await before.end()
    const will = { topic: `away/${kept!.username}/will`, payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    const mortal = await connect(t, embedded, other!, { will })
    await mortal.publish(`away/${kept!.username}/x`, 'waits', { qos: 1 })
    await mortal.publish(`retained/${kept!.username}`, 'stays', { qos: 1, retain: true })
    await mortal.reset()
    // The will of a client whose connection was reset is published when that is seen.
    const watcher = await connect(t, embedded, kept!)
    await watcher.subscribe(`retained/${kept!.username}`)
    t.match(await watcher.next(), { text: 'stays', retain: true })
    const back = await connect(t, embedded, kept!, how)
    t.equal(back.connack.sessionPresent, true)
    t.same((await back.nextN(2)).map(({ text }) => text).sort(), ['gone', 'waits'])
  }
})

await t.test('a topic of a member of Object.prototype harms no client', async (t) => {
  const user = await connect(t, embedded, JOE)
  const client = await connect(t, embedded, CLIENT)
  await client.subscribe('#', { qos: 1 })
  for (const topic of ['constructor', '__proto__', 'toString']) {
    await user.publish(topic, 'x', { qos: 1 })
    t.equal((await client.queue.nextWhere((each) => each.topic === topic)).text, 'x')
  }
})
