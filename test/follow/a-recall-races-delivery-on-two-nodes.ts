// Is what a recall answers true of every message that another node is just delivering?
import { setImmediate } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { connectDevice, eventually } from '../support/index.ts'
import { barrierIn, issue, openKeys, overRedis, startNode, stateOf, toDevice } from './support/node.ts'

const MESSAGES = 200
const KEPT = { clean: false, properties: { sessionExpiryInterval: 3_600 } }

await t.test('private messages', async (t) => {
  const open = await overRedis(t)
  const auth = await openKeys(t)
  const [one, two] = [await open(), await open()]
  const [near, far] = [await startNode(t, auth, one), await startNode(t, auth, two)]
  const issued = await issue(auth, one, 'phone')
  const ids = Array.from({ length: MESSAGES }, (_, index) => `m ${index}`)
  const device = await connectDevice(t, far, issued, { ...KEPT, subscribe: true })

  const recalls = new Map<string, string | undefined>()
  for (const [index, id] of ids.entries()) {
    const sent = toDevice(one, issued, id)
    // From before the message is on its way until after it was acknowledged.
    if (index % 4 > 0) await sent
    for (let turns = index % 16; turns > 0; turns -= 1) await setImmediate()
    const recall = await one.recall(issued.tokenId, id)
    recalls.set(id, recall?.state)
    if (device.received.some(({ text }) => text === id)) t.ok(recall?.mayHaveBeenSeen, `${id} may have been seen`)
    await sent
  }
  const seenBefore = device.received.length
  await barrierIn(one, device, issued)
  const received = new Set(device.received.map(({ text }) => text))
  await eventually('acknowledgements', async () => {
    const { entries } = await one.readPrivate(issued.tokenId, 0, { entries: 1, bytes: 1 })
    return entries.length === 0
  })
  const ended = { recalled: 0, acknowledged: 0 }
  for (const [id, state] of recalls) {
    t.ok(state === 'recalled' || state === 'acknowledged', `${id}: ${state}`)
    t.equal(await stateOf(one, issued, id), state, `${id} stays ${state}`)
    if (state === 'acknowledged') t.ok(received.has(id), `${id} arrived`)
    if (state === 'recalled') ended.recalled += 1
    else ended.acknowledged += 1
  }
  t.comment(`${JSON.stringify(ended)}, ${seenBefore} arrived`)
  t.ok(ended.recalled > 0)
  await device.reset()
  const again = await connectDevice(t, near, issued, { ...KEPT, subscribe: true })
  t.same(await barrierIn(one, again, issued), [], 'nothing comes again')
})
