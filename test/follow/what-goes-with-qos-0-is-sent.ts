// Is a message `sent` that a device got with QoS 0, and are those who got or acknowledged a broadcast counted?
import { t } from '../support/tap.ts'
import { connectDevice, eventually } from '../support/index.ts'
import { APP, eachEngine, issue, openKeys, startNode, stateOf, toAll, toDevice } from './support/node.ts'

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  const node = await startNode(t, auth, store)
  const connected = async (name: string, qos: 0 | 1, manualAck = false) => {
    const issued = await issue(auth, store, name)
    const device = await connectDevice(t, node, issued, { manualAck })
    await device.subscribe([issued.topics.private, issued.topics.broadcast!], { qos })
    return { issued, device }
  }
  const once = await connected('at most once', 0)
  const least = await connected('at least once', 1)
  const silent = await connected('never acknowledges', 1, true)

  await t.test('private', async (t) => {
    for (const { issued, device } of [once, least]) {
      await toDevice(store, issued, 'private', { receipt: true })
      await toDevice(store, issued, 'another')
      t.same(
        (await device.nextN(2)).map(({ text }) => text),
        ['private', 'another'],
      )
    }
    for (const id of ['private', 'another']) {
      await eventually('sent', async () => (await stateOf(store, once.issued, id)) === 'sent')
      await eventually('acknowledged', async () => (await stateOf(store, least.issued, id)) === 'acknowledged')
    }
    const sent = (await node.metrics.registry.metrics()).includes(
      'push_message_ended_total{destination="private",state="sent"} 2',
    )
    t.ok(sent)
  })

  await t.test('broadcast', async (t) => {
    await toAll(store, 'news')
    for (const { device } of [once, least, silent]) t.equal((await device.next()).text, 'news')
    const counts = await eventually('counts', async () => {
      const status = await store.broadcastStatus(APP, 'news')
      return status !== undefined && status.acknowledged + status.sent === 2 && status
    })
    t.match(counts, { state: 'pending', acknowledged: 1, sent: 1 })
  })
})
