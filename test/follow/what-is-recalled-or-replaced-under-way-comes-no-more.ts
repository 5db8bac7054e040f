// Does a message that is recalled or replaced under way stay away from the next connection, and hold nothing up in this one?
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { barrierIn, eachEngine, forwarding, issue, openKeys, startNode, stateOf, toDevice } from './support/node.ts'
import { connectDevice, eventually } from '../support/index.ts'

const KEPT = { clean: false, manualAck: true, properties: { sessionExpiryInterval: 3_600 } }

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  const node = await startNode(t, auth, store)

  await t.test('the next connection', async (t) => {
    const issued = await issue(auth, store, 'next')
    const device = await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    await toDevice(store, issued, 'score 1', { collapseKey: 'score' })
    await toDevice(store, issued, 'typo', { retain: true })
    await device.nextN(2)
    await toDevice(store, issued, 'score 2', { collapseKey: 'score' })
    t.match(await store.recall(issued.tokenId, 'typo'), { state: 'recalled', mayHaveBeenSeen: true })
    t.equal((await device.next()).text, 'score 2')
    await device.reset()
    const again = await connectDevice(t, node, issued, { ...KEPT, subscribe: true })
    t.same(
      (await barrierIn(store, again, issued)).map(({ text, dup }) => [text, dup]),
      [['score 2', true]],
    )
    t.equal(await stateOf(store, issued, 'score 1'), 'replaced')
    t.equal(await stateOf(store, issued, 'typo'), 'recalled')
  })

  await t.test('this connection', async (t) => {
    const issued = await issue(auth, store, 'this')
    const properties = { ...KEPT.properties, receiveMaximum: 2 }
    const device = await connectDevice(t, node, issued, { ...KEPT, properties, subscribe: true })
    await toDevice(store, issued, 'score 1', { collapseKey: 'score' })
    await toDevice(store, issued, 'plain')
    const [score, plain] = await device.nextN(2)
    await toDevice(store, issued, 'typo')
    await toDevice(store, issued, 'score 2', { collapseKey: 'score' })
    await toDevice(store, issued, 'score 3', { collapseKey: 'score' })
    t.match(await store.recall(issued.tokenId, 'typo'), { state: 'recalled' })
    device.ack(score!)
    t.equal((await device.next()).text, 'score 3', 'what waited for the window was never sent')
    device.ack(plain!)
    device.ack(device.received.at(-1)!)
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'score 3')) === 'acknowledged')
    t.same(await Promise.all(['score 1', 'score 2', 'typo', 'plain'].map((id) => stateOf(store, issued, id))), [
      'replaced',
      'replaced',
      'recalled',
      'acknowledged',
    ])
    t.equal((await store.recall(issued.tokenId, 'plain'))?.state, 'acknowledged', 'too late')
  })

  await t.test('while it is being read', async (t) => {
    const issued = await issue(auth, store, 'being read')
    let release: () => void = () => undefined
    let held: Promise<void> | undefined
    const readPrivate: Store['readPrivate'] = async (...asked) => {
      const slice = await store.readPrivate(...asked)
      reads += 1
      await held
      return slice
    }
    let reads = 0
    const slow = forwarding(store, (name) => (name === 'readPrivate' ? readPrivate : undefined))
    const properties = { ...KEPT.properties, receiveMaximum: 1 }
    const device = await connectDevice(t, await startNode(t, auth, slow), issued, {
      ...KEPT,
      properties,
      subscribe: true,
    })
    await toDevice(store, issued, 'first')
    const first = await device.next()
    await toDevice(store, issued, 'typo')
    await toDevice(store, issued, 'last')
    held = new Promise((resolve) => (release = resolve))
    const before = reads
    device.ack(first)
    await eventually('a read', () => reads > before)
    let isHeard = false
    const nothing = () => undefined
    t.teardown(
      store.watch({
        privateAppended: nothing,
        broadcastAppended: nothing,
        sessionEnded: nothing,
        cursorMoved: nothing,
        cursorsLost: nothing,
        resync: nothing,
        privateRemoved: () => void (isHeard = true),
      }),
    )
    t.match(await store.recall(issued.tokenId, 'typo'), { state: 'recalled' })
    await eventually('its wake', () => isHeard)
    release()
    t.equal((await device.next()).text, 'last')
  })
})
