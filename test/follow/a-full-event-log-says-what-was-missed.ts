// Is a device's acknowledgement taken though the event log is full, and is the consumer told how many events that cost it?
import { t } from '../support/tap.ts'
import { connectDevice, eventually } from '../support/index.ts'
import { acknowledge, drain, eachEngine, look, receipt } from './support/events.ts'
import { issue, startNode, stateOf, toDevice } from './support/node.ts'

const MESSAGES = 500

await eachEngine(t, async (t, start) => {
  // Over Redis a part has a sixteenth of that: 20.
  const api = await start({ storeLimits: { eventMessages: 320 } })
  const { auth, store } = api
  const node = await startNode(t, auth, store)
  const issued = await issue(auth, store, 'phone')
  const device = await connectDevice(t, node, issued, { subscribe: true, protocolVersion: 4 })
  t.match(await look(api), { events: [], missed: 0 })

  let next = 0
  async function send(): Promise<void> {
    const until = next + MESSAGES
    for (; next < until; next += 1) await toDevice(store, issued, `m ${next}`, { receipt: true })
    await device.nextN(MESSAGES)
    await eventually(
      'the last is acknowledged',
      async () => (await stateOf(store, issued, `m ${next - 1}`)) === 'acknowledged',
    )
  }
  await send()
  const page = await look(api, { limit: 5 })
  t.ok(page.missed > 0)
  t.same(
    page.events.map(({ id }) => id),
    [0, 1, 2, 3, 4].map((more) => `m ${page.missed + more}`),
    'the oldest are gone, and nothing else is',
  )
  t.equal((await look(api, { limit: 5 })).missed, page.missed, 'told again')
  await acknowledge(api, page.cursor)
  const rest = await drain(api, { limit: 5 })
  t.equal(rest.missed, 0, 'and not any more')
  t.equal(rest.events.at(-1)?.id, `m ${MESSAGES - 1}`)
  t.equal(page.missed + page.events.length + rest.events.length, MESSAGES)

  await send()
  const { events, missed } = await drain(api)
  t.equal(missed + events.length, MESSAGES, 'what goes later counts anew')
  await receipt(store, issued, 'one more')
  t.match(await look(api), { events: [{ id: 'one more' }], missed: 0 })
})
