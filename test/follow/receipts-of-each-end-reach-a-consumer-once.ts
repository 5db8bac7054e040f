// Does a provider hear once what became of each message that asked for it, in order for each device, over HTTP?
import { t } from '../support/tap.ts'
import { connectDevice, eventually, request } from '../support/index.ts'
import { drain, eachEngine, look } from './support/events.ts'
import { APP, issue, startNode, stateOf, toDevice } from './support/node.ts'

const DEVICES = 5
const MESSAGES = 20

await eachEngine(t, async (t, start) => {
  const api = await start({ storeLimits: { privateMessages: MESSAGES, lateAckMs: 0 } })
  const { auth, store } = api
  const node = await startNode(t, auth, store)

  await t.test('acknowledged over MQTT, in order for each device', async (t) => {
    const sent = new Map<string, string[]>()
    for (let number = 0; number < DEVICES; number += 1) {
      const issued = await issue(auth, store, `phone ${number}`)
      const device = await connectDevice(t, node, issued, { subscribe: true, protocolVersion: 4 })
      const ids = Array.from({ length: MESSAGES }, (_, at) => `m ${number} ${at}`)
      for (const id of ids) await toDevice(store, issued, id, { receipt: true })
      await device.nextN(MESSAGES)
      await eventually('acknowledged', async () => (await stateOf(store, issued, ids.at(-1)!)) === 'acknowledged')
      await device.end()
      sent.set(issued.tokenId, ids)
    }
    const first = await look(api, { limit: 7 })
    t.equal(first.events.length, 7)
    t.same(await look(api, { limit: 7 }), first, 'the same until something is acknowledged')
    const { events, pages, missed } = await drain(api, { limit: 7 })
    t.same(events.slice(0, 7), first.events)
    t.equal(missed, 0)
    t.ok(pages.every(({ events }) => events.length <= 7))
    t.equal(events.length, DEVICES * MESSAGES)
    t.equal(new Set(events.map(({ eventId }) => eventId)).size, DEVICES * MESSAGES, 'each once')
    for (const [tokenId, ids] of sent) {
      const own = events.filter((event) => event.tokenId === tokenId)
      t.same(
        own.map(({ id }) => id),
        ids,
      )
      t.ok(own.every(({ type, app }) => type === 'message.acknowledged' && app === APP))
      t.ok(own.every(({ at }) => Math.abs(Date.parse(at) - Date.now()) < 60_000))
    }
    t.same(await drain(api), { events: [], pages: [{ ...(await look(api)), events: [] }], missed: 0 }, 'and no more')
  })

  await t.test('every other end', async (t) => {
    const issued = await issue(auth, store, 'tablet')
    const once = await connectDevice(t, node, issued)
    await once.subscribe(issued.topics.private, { qos: 0 })
    await toDevice(store, issued, 'sent', { receipt: true })
    await once.next()
    await eventually('sent', async () => (await stateOf(store, issued, 'sent')) === 'sent')
    await once.end()
    await toDevice(store, issued, 'none wanted')
    await toDevice(store, issued, 'dropped', { receipt: true })
    for (let more = 0; more < MESSAGES; more += 1) await toDevice(store, issued, `filler ${more}`)
    await toDevice(store, issued, 'replaced', { receipt: true, collapseKey: 'k' })
    await toDevice(store, issued, 'recalled', { receipt: true, collapseKey: 'k' })
    await store.recall(issued.tokenId, 'recalled')
    await toDevice(store, issued, 'expired', { receipt: true, ttl: 1 })
    await eventually('its time is over', async () => (await stateOf(store, issued, 'expired')) === 'expired')
    await store.sweep()
    await toDevice(store, issued, 'purged', { receipt: true })
    await request(api, 'DELETE', '/v1/tokens/current?purge=true', { bearer: issued.token })
    const { events } = await drain(api, { types: 'message.*' })
    const ends = ['sent', 'dropped', 'replaced', 'recalled', 'expired', 'purged']
    t.same(
      events.map(({ id, type, tokenId }) => [id, type, tokenId]),
      ends.map((end) => [end, `message.${end}`, issued.tokenId]),
    )
    t.equal(new Set(events.map(({ eventId }) => eventId)).size, ends.length)
  })
})
