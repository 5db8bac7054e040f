// Is a message that expires under way acknowledged by its late PUBACK, and `expired` where the device never got it?
import { t } from '../support/tap.ts'
import { connectDevice, eventually, type Device } from '../support/index.ts'
import { eachEngine, issue, openKeys, startNode, stateOf, toDevice } from './support/node.ts'

const KEPT = { clean: false, manualAck: true, properties: { sessionExpiryInterval: 3_600 } }

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  const node = await startNode(t, auth, store)

  await t.test('a late PUBACK', async (t) => {
    const issued = await issue(auth, store, 'late')
    const device = await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    await toDevice(store, issued, 'brief', { ttl: 1 })
    await toDevice(store, issued, 'long')
    const [brief, long] = await device.nextN(2)
    await eventually('its end', async () => (await stateOf(store, issued, 'brief')) === 'expired')
    await store.sweep()
    device.ack(brief!)
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'brief')) === 'acknowledged')
    t.equal(await stateOf(store, issued, 'long'), 'pending')
    device.ack(long!)
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'long')) === 'acknowledged')
  })

  await t.test('behind a full window, and never sent', async (t) => {
    const issued = await issue(auth, store, 'behind')
    const properties = { ...KEPT.properties, receiveMaximum: 1 }
    const device = await connectDevice(t, node, issued, { ...KEPT, properties, subscribe: true })
    await toDevice(store, issued, 'under way')
    const first = await device.next()
    await toDevice(store, issued, 'too late', { ttl: 1 })
    await toDevice(store, issued, 'last')
    await eventually('its end', async () => (await stateOf(store, issued, 'too late')) === 'expired')
    device.ack(first)
    await acknowledge(device, 'last')
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'last')) === 'acknowledged')
    t.equal(await stateOf(store, issued, 'under way'), 'acknowledged')
    t.equal(await stateOf(store, issued, 'too late'), 'expired', 'the cursor that passed it says so')
  })

  await t.test('sent by a connection that was lost', async (t) => {
    const issued = await issue(auth, store, 'lost')
    const device = await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    await toDevice(store, issued, 'brief', { ttl: 1 })
    await device.next()
    await device.reset()
    await eventually('its end', async () => (await stateOf(store, issued, 'brief')) === 'expired')
    const again = await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    await toDevice(store, issued, 'next')
    await acknowledge(again, 'next')
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'next')) === 'acknowledged')
    t.equal(await stateOf(store, issued, 'brief'), 'expired')
  })

  async function acknowledge(device: Device, text: string): Promise<void> {
    const arrival = await device.next()
    t.equal(arrival.text, text)
    device.ack(arrival)
  }
})
