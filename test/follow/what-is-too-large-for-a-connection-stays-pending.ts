// Is a message that was too large for one connection pending, until another one takes it, gets it with QoS 0, or it expires?
import { t } from '../support/tap.ts'
import { connectDevice, eventually } from '../support/index.ts'
import { APP, eachEngine, issue, openKeys, startNode, stateOf, toAll, toDevice } from './support/node.ts'

const KEPT = { clean: false, properties: { sessionExpiryInterval: 3_600 } }
const SMALL = { ...KEPT, properties: { ...KEPT.properties, maximumPacketSize: 130 } }
const big = (name: string) => name.padEnd(120, '.')

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  const node = await startNode(t, auth, store)

  /** One that skipped a message, which is pending. */
  async function skipping(name: string, ttl: number) {
    const issued = await issue(auth, store, name)
    const device = await connectDevice(t, node, issued, { ...SMALL, subscribe: true })
    await toDevice(store, issued, big(name), { ttl, receipt: true })
    await toDevice(store, issued, 'small')
    t.equal((await device.next()).text, 'small')
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'small')) === 'acknowledged')
    t.equal(await stateOf(store, issued, big(name)), 'pending')
    await device.end()
    return issued
  }

  for (const [name, qos, state] of [
    ['acknowledged', 1, 'acknowledged'],
    ['at most once', 0, 'sent'],
  ] as const)
    await t.test(name, async (t) => {
      const issued = await skipping(name, 60)
      const device = await connectDevice(t, node, issued, { ...KEPT, clean: true })
      await device.subscribe(issued.topics.private, { qos })
      t.equal((await device.next()).text, big(name))
      await eventually(state, async () => (await stateOf(store, issued, big(name))) === state)
    })

  await t.test('expired', async (t) => {
    const issued = await skipping('expired', 1)
    await eventually('expired', async () => (await stateOf(store, issued, big('expired'))) === 'expired')
    const device = await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    await toDevice(store, issued, 'after')
    t.equal((await device.next()).text, 'after')
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'after')) === 'acknowledged')
    t.equal(await stateOf(store, issued, big('expired')), 'expired')
  })

  await t.test('a broadcast is counted when it is taken', async (t) => {
    const issued = await issue(auth, store, 'broadcast')
    const small = await connectDevice(t, node, issued, SMALL)
    await small.subscribe(issued.topics.broadcast!)
    await toAll(store, big('news'))
    await toAll(store, 'brief')
    t.equal((await small.next()).text, 'brief')
    await eventually('a count', async () => (await store.broadcastStatus(APP, 'brief'))?.acknowledged === 1)
    t.equal((await store.broadcastStatus(APP, big('news')))?.acknowledged, 0)
    await small.end()
    const large = await connectDevice(t, node, issued, KEPT)
    await large.subscribe(issued.topics.broadcast!)
    t.equal((await large.next()).text, big('news'))
    await eventually('a count', async () => (await store.broadcastStatus(APP, big('news')))?.acknowledged === 1)
  })
})
