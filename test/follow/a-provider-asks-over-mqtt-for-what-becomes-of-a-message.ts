// Do the user properties `collapse-key` and `receipt`, and an id that is used again, mean over MQTT what they mean over HTTP?
import { t } from '../support/tap.ts'
import { eventLog } from '../../store/contract.ts'
import { connectDevice, connectProvider, eventually } from '../support/index.ts'
import { APP, barrierIn, eachEngine, issue, openKeys, startNode, stateOf } from './support/node.ts'

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  const node = await startNode(t, auth, store)
  const provider = await connectProvider(t, node)
  const publish = (topic: string, text: string, userProperties: Record<string, string | string[]>) =>
    provider.publish(topic, text, { properties: { userProperties } })

  await t.test('a key of a private topic and of broadcasts', async (t) => {
    const issued = await issue(auth, store, 'collapse')
    await publish(issued.topics.private, 'score 1', { id: '1', 'collapse-key': 'score' })
    await publish(issued.topics.private, 'score 2', { id: '2', 'collapse-key': 'score', other: 'x' })
    t.equal(await stateOf(store, issued, '1'), 'replaced')
    for (const [topic, text] of [
      [`${APP}/1.0.0`, 'weather 1'],
      [`${APP}/2.0.0`, 'of another version'],
      [`${APP}/1.0.0`, 'weather 2'],
    ] as const)
      await publish(topic, text, { id: text, 'collapse-key': 'weather' })
    t.equal((await store.broadcastStatus(APP, 'weather 1'))?.state, 'replaced')
    t.equal((await store.broadcastStatus(APP, 'of another version'))?.state, 'pending')
    const device = await connectDevice(t, node, issued)
    await device.subscribe([issued.topics.private, issued.topics.broadcast!])
    const arrivals = await device.nextN(2)
    t.same(arrivals.map(({ text }) => text).sort(), ['score 2', 'weather 2'])
    const { userProperties } = arrivals.find(({ text }) => text === 'score 2')!.properties
    t.same(Object.keys(userProperties ?? {}).sort(), ['id', 'other', 'storedAt'], 'the key is not told to the device')
  })

  await t.test('a receipt', async (t) => {
    const issued = await issue(auth, store, 'receipt')
    await publish(issued.topics.private, 'with', { id: 'with', receipt: 'true' })
    await publish(issued.topics.private, 'without', { id: 'without', receipt: 'false' })
    const device = await connectDevice(t, node, issued, { subscribe: true })
    const arrivals = await device.nextN(2)
    for (const { properties } of arrivals)
      t.same(Object.keys(properties.userProperties ?? {}).sort(), ['id', 'storedAt'])
    await eventually('acknowledged', async () => (await stateOf(store, issued, 'without')) === 'acknowledged')
    t.same(await eventsOf(issued.tokenId), ['message.acknowledged with'])
  })

  await t.test('an id that is used again', async (t) => {
    const issued = await issue(auth, store, 'reused')
    for (const topic of [issued.topics.private, issued.topics.broadcast!]) {
      await publish(topic, 'first', { id: 'one' })
      await publish(topic, 'first', { id: 'one' })
      for (const [text, userProperties] of [
        ['second', { id: 'one' }],
        ['first', { id: 'one', 'collapse-key': 'a' }],
        ['first', { id: 'one', trace: 'x' }],
      ] as const)
        await t.rejects(publish(topic, text, userProperties), { code: 0x83 }, JSON.stringify(userProperties))
    }
  })

  await t.test('what is not understood is refused', async (t) => {
    const issued = await issue(auth, store, 'wrong')
    const device = await connectDevice(t, node, issued, { subscribe: true })
    for (const userProperties of [
      { 'collapse-key': '' },
      { 'collapse-key': 'x'.repeat(65) },
      { 'collapse-key': ['a', 'b'] },
      { receipt: 'yes' },
      { receipt: ['true', 'true'] },
    ])
      await t.rejects(
        publish(issued.topics.private, 'wrong', userProperties),
        { code: 0x83 },
        JSON.stringify(userProperties),
      )
    await t.rejects(publish(issued.topics.broadcast!, 'wrong', { receipt: 'true' }), { code: 0x83 }, 'of a broadcast')
    t.same(await barrierIn(store, device, issued), [])
  })

  /** All that is in the event log of the app for this token id. */
  async function eventsOf(tokenId: string): Promise<string[]> {
    const limit = { entries: 1_000, bytes: 1_000_000 }
    const { entries } = await store.readUpstream(eventLog(APP), store.upstreamPart(tokenId), 0, limit)
    return entries.filter((each) => each.tokenId === tokenId).map(({ subject, id }) => `${subject} ${id}`)
  }
})
