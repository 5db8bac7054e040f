// Does a broadcast that waits in a node for its devices stay there once it is recalled, whether its wake is heard or lost?
import { setTimeout as pause } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { connectDevice } from '../support/index.ts'
import { APP, deafTo, eachEngine, issue, openKeys, startNode, toAll } from './support/node.ts'

/** After so long no node starts to send what was recalled. */
const PROMISED_MS = 1_000

await eachEngine(t, async (t, open) => {
  const auth = await openKeys(t)
  const store = await open()
  for (const [what, node] of [
    ['heard', await startNode(t, auth, await open())],
    ['lost', await startNode(t, auth, deafTo(await open(), 'broadcastRemoved'))],
  ] as const)
    await t.test(what, async (t) => {
      const issued = await issue(auth, store, what)
      const properties = { receiveMaximum: 1 }
      const device = await connectDevice(t, node, issued, { properties, manualAck: true })
      await device.subscribe(issued.topics.broadcast!)
      for (const text of ['first', 'typo', 'weather 1', 'last']) {
        const collapse = text === 'weather 1' ? { collapseKey: 'weather' } : {}
        await toAll(store, `${text}, ${what}`, collapse)
      }
      const first = await device.next()
      t.equal(first.text, `first, ${what}`)
      const recalled = await store.recallBroadcast(APP, `typo, ${what}`)
      t.match(recalled, { state: 'recalled', mayHaveBeenSeen: true })
      await toAll(store, `weather 2, ${what}`, { collapseKey: 'weather' })
      await pause(PROMISED_MS)
      device.ack(first)
      for (const text of ['last', 'weather 2']) {
        const arrival = await device.next()
        t.equal(arrival.text, `${text}, ${what}`)
        device.ack(arrival)
      }
    })
})
