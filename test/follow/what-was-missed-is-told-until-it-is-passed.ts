// Does a device learn how many messages went because its log was full, until it acknowledges one after them?
import { t } from '../support/tap.ts'
import { connectDevice, eventually } from '../support/index.ts'
import { userProperty } from '../delivery/support/messages.ts'
import { eachEngine, issue, openKeys, startNode, stateOf, toAll, toDevice } from './support/node.ts'

const KEPT = { clean: false, manualAck: true, properties: { sessionExpiryInterval: 3_600 } }

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open(undefined, { privateMessages: 3, broadcastMessages: 3 })
  const node = await startNode(t, auth, store)

  await t.test('private: how many', async (t) => {
    const issued = await issue(auth, store, 'private')
    const connect = async () => await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    await (await connect()).end()
    for (let number = 1; number <= 5; number += 1) await toDevice(store, issued, `m ${number}`)
    const first = await connect()
    const kept = await first.nextN(3)
    t.same(
      kept.map((arrival) => [arrival.text, userProperty(arrival, 'missed')]),
      [3, 4, 5].map((number) => [`m ${number}`, '2']),
    )
    await first.reset()
    await toDevice(store, issued, 'm 6')
    const second = await connect()
    const [one, ...others] = await second.nextN(3)
    for (const arrival of [one!, ...others]) t.equal(userProperty(arrival, 'missed'), '3', 'told again')
    second.ack(one!)
    await eventually('acknowledged', async () => (await stateOf(store, issued, one!.text)) === 'acknowledged')
    await second.reset()
    const third = await connect()
    t.same(
      (await third.nextN(2)).map((arrival) => [arrival.text, userProperty(arrival, 'missed')]),
      others.map(({ text }) => [text, undefined]),
      'not any more',
    )
    await toDevice(store, issued, 'm 7')
    t.equal(userProperty(await third.next(), 'missed'), undefined)
  })

  await t.test('private: while it is connected', async (t) => {
    const issued = await issue(auth, store, 'connected')
    const properties = { ...KEPT.properties, receiveMaximum: 1 }
    const device = await connectDevice(t, node, issued, { ...KEPT, properties, subscribe: true })
    await toDevice(store, issued, 'first')
    const first = await device.next()
    for (let number = 1; number <= 5; number += 1) await toDevice(store, issued, `m ${number}`)
    device.ack(first)
    const next = await device.next()
    t.same([next.text, userProperty(next, 'missed')], ['m 3', '3'], 'the first one was acknowledged too late')
    device.ack(next)
    const last = await device.next()
    t.same([last.text, userProperty(last, 'missed')], ['m 4', undefined])
  })

  await t.test('broadcast: that there was something', async (t) => {
    const issued = await issue(auth, store, 'broadcast')
    const never = await issue(auth, store, 'misses nothing')
    const connect = async () => {
      const device = await connectDevice(t, node, issued, KEPT)
      await device.subscribe(issued.topics.broadcast!)
      return device
    }
    await (await connect()).end()
    const other = await connectDevice(t, node, never)
    await other.subscribe(never.topics.broadcast!)
    for (let number = 1; number <= 5; number += 1) {
      await toAll(store, `n ${number}`)
      t.equal(userProperty(await other.next(), 'missed'), undefined)
    }
    await other.end()
    const [one, ...others] = await (async () => {
      const device = await connect()
      const arrivals = await device.nextN(3)
      device.ack(arrivals[0]!)
      for (const arrival of arrivals) t.equal(userProperty(arrival, 'missed'), 'true')
      await device.end()
      return arrivals
    })()
    t.equal(one!.text, 'n 3')
    const again = await connect()
    t.same(
      (await again.nextN(2)).map((arrival) => [arrival.text, userProperty(arrival, 'missed')]),
      others.map(({ text }) => [text, undefined]),
    )
  })
})
