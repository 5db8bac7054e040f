// Do the MQTT 5 properties of a provider's PUBLISH (user properties id and versions, expiry, content) mean what HTTP means?
import { t } from '../support/tap.ts'
import {
  barrier,
  connectDevice,
  connectProvider,
  issueToken,
  metric,
  mosquittoPub,
  send,
  startServer,
} from '../support/index.ts'
import { untilNothingIsPending, userProperty } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const issued = await issueToken(server, { app, device: 'phone', account: 'ada', version: '2.1.0' })
const device = await connectDevice(t, server, issued)
await device.subscribe([issued.topics.private, issued.topics.broadcast!])
const provider = await connectProvider(t, server)
const destinations = [
  { topic: issued.topics.private, to: { token: issued.tokenId }, destination: 'private' },
  { topic: issued.topics.broadcast!, to: { app, version: '2.1.0' }, destination: 'broadcast' },
] as const

for (const { topic, to, destination } of destinations) {
  await t.test(`the same id is accepted once: ${destination}`, async (t) => {
    const properties = { userProperties: { id: 'order 7' } }
    for (const qos of [1, 1, 0, 2] as const) await provider.publish(topic, 'first', { qos, properties })
    await send(server, to, Buffer.from('first'), { id: 'order 7' })
    await t.rejects(send(server, to, 'second', { id: 'order 7' }), { code: 'ID_REUSED' })
    const [first, ...more] = [await device.next(), ...(await barrier(server, device, to))]
    t.equal(first!.text, 'first')
    t.equal(userProperty(first!, 'id'), 'order 7')
    t.same(more, [])
    t.equal(await metric(server, 'push_duplicates_total', `destination="${destination}"`), 4)
  })

  await t.test(`what the publisher says of the content goes on: ${destination}`, async (t) => {
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'answers/here',
      correlationData: Buffer.from('abc'),
      payloadFormatIndicator: true,
      userProperties: { trace: 'x1' },
    }
    await provider.publish(topic, 'described', { properties })
    const { properties: arrived } = await device.next()
    t.match(arrived, {
      contentType: 'text/plain',
      responseTopic: 'answers/here',
      correlationData: Buffer.from('abc'),
      payloadFormatIndicator: true,
      userProperties: { trace: 'x1', id: String, storedAt: /^\d{4}-\d\d-\d\dT/ },
    })
  })

  await t.test(`the expiry interval is the time to live: ${destination}`, async (t) => {
    await provider.publish(topic, 'for a minute', { properties: { messageExpiryInterval: 60 } })
    const { properties } = await device.next()
    t.ok(properties.messageExpiryInterval! > 0 && properties.messageExpiryInterval! <= 60)
  })
}

await t.test('an expiry interval of a second ends the message', async (t) => {
  const offline = await issueToken(server, { app, device: 'tablet', account: 'ada' })
  await provider.publish(offline.topics.private, 'too late', { properties: { messageExpiryInterval: 1 } })
  await untilNothingIsPending(server, offline)
  const late = await connectDevice(t, server, offline, { subscribe: true })
  t.same(await barrier(server, late), [])
})

await t.test('a range of versions on <app>/*', async (t) => {
  for (const versions of ['>=2.1 <3', '*', '>=3', '2.1.0', '2.0.x']) {
    await provider.publish(`${app}/*`, versions, { properties: { userProperties: { versions } } })
  }
  const arrived = await barrier(server, device, { app, versions: '*' })
  t.match(
    arrived,
    ['>=2.1 <3', '*', '2.1.0'].map((text) => ({ text, topic: `${app}/2.1.0` })),
  )
  t.equal(arrived.length, 3)
})

await t.test('mosquitto_pub gives a range and an id', async (t) => {
  const args = ['-V', 'mqttv5', '-u', 'provider', '-P', server.providerKey, '-q', '1', '-t', `${app}/*`]
  const properties = ['-D', 'publish', 'user-property', 'versions', '^2.0.0']
  const id = ['-D', 'publish', 'user-property', 'id', 'from the shell']
  await mosquittoPub(t, server, ...args, ...properties, ...id, '-m', 'ranged')
  await mosquittoPub(t, server, ...args, ...properties, ...id, '-m', 'ranged')
  const arrived = await barrier(server, device, { app, versions: '*' })
  t.equal(arrived.length, 1)
  t.match(arrived[0], { text: 'ranged', topic: `${app}/2.1.0` })
  t.equal(userProperty(arrived[0]!, 'id'), 'from the shell')
})

await t.test('tags that are no choice of tags are refused, and nothing is sent', async (t) => {
  const nobody = ['', '{', 'beta', '["beta"]', '{}', '{"any":[]}', '{"any":"beta"}', '{"any":["beta"],"some":["x"]}']
  const lists = [...nobody.map((tags) => [tags]), ['{"none":["x"]}', '{"none":["y"]}']]
  const topics = [`${app}/2.1.0`, `${app}/*`]
  for (const topic of topics) {
    for (const tags of lists) {
      const properties = { userProperties: { tags, versions: '*' } }
      for (const qos of [1, 2] as const)
        await t.rejects(
          provider.publish(topic, 'nobody', { qos, properties }),
          { code: 0x90 },
          `${topic} ${tags.join()}`,
        )
      await provider.publish(topic, 'nobody', { qos: 0, properties })
    }
  }
  const properties = { userProperties: { tags: '{"none":["x"]}' } }
  await t.rejects(provider.publish(issued.topics.private, 'nobody', { properties }), { code: 0x90 }, 'a private topic')
  t.same(await barrier(server, device, { app, versions: '*' }), [])
  t.same(await barrier(server, device), [])
})

await t.test('a choice of tags is not told to the devices', async (t) => {
  await provider.publish(`${app}/2.1.0`, 'chosen', {
    properties: { userProperties: { tags: '{"none":["x"]}', a: 'b' } },
  })
  const { text, properties } = await device.next()
  t.equal(text, 'chosen')
  t.same(Object.keys(properties.userProperties ?? {}).sort(), ['a', 'id', 'storedAt'])
  await provider.publish(`${app}/2.1.0`, 'for others', { properties: { userProperties: { tags: '{"any":["x"]}' } } })
  t.same(await barrier(server, device, { app, versions: '*' }), [])
})

await t.test('a range that is none is refused in the PUBACK', async (t) => {
  const properties = { userProperties: { versions: 'not a range' } }
  await t.rejects(provider.publish(`${app}/*`, 'nobody', { properties }), { code: 0x90 })
  await t.rejects(provider.publish('no-push-topic', 'nobody'), { code: 0x87 })
  t.same(await barrier(server, device, { app, versions: '*' }), [], 'and the connection goes on')
})
