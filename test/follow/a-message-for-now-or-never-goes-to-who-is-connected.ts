// Does a message with Message Expiry Interval 0 reach exactly who is connected, at once, and leave nothing behind?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, eventually } from '../support/index.ts'
import { APP, barrierIn, eachEngine, issue, openKeys, startNode, stateOf, toDevice } from './support/node.ts'

const NOW = { properties: { messageExpiryInterval: 0 } }

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const [one, two] = [await open(), await open()]
  const [near, far] = [await startNode(t, auth, one), await startNode(t, auth, two)]
  const provider = await connectProvider(t, near)

  await t.test('private', async (t) => {
    const issued = await issue(auth, one, 'private')
    await provider.publish(issued.topics.private, 'before', NOW)
    for (const node of [near, far]) {
      const properties = { receiveMaximum: 1 }
      const device = await connectDevice(t, node, issued, { properties, manualAck: true })
      await provider.publish(issued.topics.private, 'not subscribed', NOW)
      await device.subscribe(issued.topics.private)
      await toDevice(one, issued, `fills the window of ${node.mqttPort}`)
      const underWay = await device.next()
      await provider.publish(issued.topics.private, 'now', NOW)
      const told = await device.next()
      t.match(told, { text: 'now', qos: 0, retain: false, dup: false })
      t.equal(told.properties.messageExpiryInterval, 0)
      device.ack(underWay)
      await eventually('an acknowledgement', async () => (await stateOf(one, issued, underWay.text)) === 'acknowledged')
      await device.end()
    }
    await provider.publish(issued.topics.private, 'after', NOW)
    const old = await connectDevice(t, near, issued, { protocolVersion: 4, subscribe: true })
    t.same(await barrierIn(one, old, issued), [])
    await provider.publish(issued.topics.private, 'now', NOW)
    t.match(await old.next(), { text: 'now', qos: 0 })
    await eventually('an empty log', async () => {
      const { entries } = await one.readPrivate(issued.tokenId, 0, { entries: 1, bytes: 1 })
      return entries.length === 0
    })
  })

  await t.test('broadcast', async (t) => {
    const [here, there, away] = [
      await issue(auth, one, 'here'),
      await issue(auth, one, 'there'),
      await issue(auth, one, 'away'),
    ]
    const first = await connectDevice(t, near, here)
    await first.subscribe([`${APP}/2.0.0`, here.topics.broadcast!])
    const second = await connectDevice(t, far, there)
    await second.subscribe(there.topics.broadcast!, { qos: 0 })
    await provider.publish(`${APP}/*`, 'for all', {
      properties: { ...NOW.properties, userProperties: { versions: '*' } },
    })
    t.match(await first.next(), { text: 'for all', topic: `${APP}/2.0.0`, qos: 0 })
    t.match(await second.next(), { text: 'for all', topic: there.topics.broadcast, qos: 0 })
    const userProperties = { tags: '{"any":["beta"]}' }
    await provider.publish(here.topics.broadcast!, 'for others', { properties: { ...NOW.properties, userProperties } })
    await provider.publish(here.topics.broadcast!, 'for this version', NOW)
    for (const device of [first, second])
      t.match(await device.next(), { text: 'for this version', topic: here.topics.broadcast })
    const late = await connectDevice(t, near, away)
    await late.subscribe(away.topics.broadcast!)
    t.same((await one.readBroadcast(APP, 0, { entries: 9, bytes: 9 })).entries, [])
    t.equal(first.received.length, 2, 'once each')
  })

  await t.test('what it cannot have', async (t) => {
    const issued = await issue(auth, one, 'refused')
    const device = await connectDevice(t, near, issued, { subscribe: true })
    for (const topic of [issued.topics.private, issued.topics.broadcast!]) {
      await t.rejects(provider.publish(topic, 'never', { ...NOW, retain: true }), { code: 0x83 })
      for (const userProperties of [{ 'collapse-key': 'a' }, { receipt: 'true' }])
        await t.rejects(
          provider.publish(topic, 'never', { properties: { ...NOW.properties, userProperties } }),
          { code: 0x83 },
          Object.keys(userProperties).join(),
        )
    }
    t.same(await barrierIn(one, device, issued), [])
  })
})
