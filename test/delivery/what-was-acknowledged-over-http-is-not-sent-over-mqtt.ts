// Is what a device acknowledged over HTTP never sent over MQTT, also while it is connected, and the other way round?
import { t } from '../support/tap.ts'
import { ack, barrier, connectDevice, issueToken, lookup, send, startServer } from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending, untilPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'

for (const kind of ['private', 'broadcast'] as const) {
  const version = `1.0.0-${kind}`
  const token = (device: string) => issueToken(server, { app, device: `${kind} ${device}`, version })
  const to = (issued: Awaited<ReturnType<typeof token>>) =>
    kind === 'private' ? { token: issued.tokenId } : { app, version }

  await t.test(`before it connects, ${kind}`, async (t) => {
    const issued = await token('before')
    const messages = numbered(5)
    await sendEach(t, server, to(issued), messages)
    const page = await lookup(server, issued.token, { limit: 3 })
    t.same(
      page.messages.map(({ payload }) => payload),
      messages.slice(0, 3),
    )
    await ack(server, issued.token, page.cursor)
    const device = await connectDevice(t, server, issued)
    await device.subscribe(issued.topics[kind]!)
    t.same(texts(await barrier(server, device, to(issued))), messages.slice(3))
  })

  await t.test(`while it is connected and more is under way than it acknowledges, ${kind}`, async (t) => {
    const issued = await token('connected')
    const device = await connectDevice(t, server, issued, { manualAck: true, properties: { receiveMaximum: 1 } })
    await device.subscribe(issued.topics[kind]!)
    const messages = numbered(4)
    await sendEach(t, server, to(issued), messages)
    const first = await device.next()
    t.equal(first.text, 'm-1')
    const page = await lookup(server, issued.token, { limit: 3 })
    await ack(server, issued.token, page.cursor)
    await untilPending(server, issued, 1)
    device.ack(first)
    const next = await device.next()
    t.equal(next.text, 'm-4', 'the second and third are not sent any more')
    device.ack(next)
    await untilNothingIsPending(server, issued)
    await device.reset()

    const again = await connectDevice(t, server, issued)
    await again.subscribe(issued.topics[kind]!)
    t.same(await barrier(server, again, to(issued)), [])
  })

  await t.test(`what is under way and acknowledged over HTTP is not sent again, ${kind}`, async (t) => {
    const issued = await token('under way')
    const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
    const device = await connectDevice(t, server, issued, { ...kept, manualAck: true })
    await device.subscribe(issued.topics[kind]!)
    await sendEach(t, server, to(issued), numbered(3))
    await device.nextN(3)
    const page = await lookup(server, issued.token, { limit: 2 })
    await ack(server, issued.token, page.cursor)
    await device.reset()
    const resumed = await connectDevice(t, server, issued, kept)
    t.same(texts(await barrier(server, resumed, to(issued))), ['m-3'])
  })

  await t.test(`acknowledged over MQTT, ${kind}`, async (t) => {
    const issued = await token('other way')
    await sendEach(t, server, to(issued), numbered(5))
    const device = await connectDevice(t, server, issued, { manualAck: true })
    await device.subscribe(issued.topics[kind]!)
    const arrived = await device.nextN(5)
    for (const each of arrived.slice(0, 3)) device.ack(each)
    await untilPending(server, issued, 2)
    const { messages, cursor } = await lookup(server, issued.token)
    t.same(
      messages.map(({ payload }) => payload),
      ['m-4', 'm-5'],
    )
    await ack(server, issued.token, cursor)
    t.same((await lookup(server, issued.token)).messages, [])
    await send(server, to(issued), 'live')
    t.equal((await device.next()).text, 'live', 'and the connection goes on')
    for (const each of arrived.slice(3)) device.ack(each)
    t.same(await barrier(server, device, to(issued)), [])
  })
}

await t.test('a long poll and a connection see the same message', async (t) => {
  const issued = await issueToken(server, { app, device: 'both', account: 'ada' })
  const device = await connectDevice(t, server, issued, { subscribe: true, manualAck: true })
  const waiting = lookup(server, issued.token, { wait: 20 })
  await send(server, { token: issued.tokenId }, 'to both')
  const [page, arrival] = [await waiting, await device.next()]
  t.equal(page.messages[0]?.payload, 'to both')
  t.equal(arrival.text, 'to both')
  device.ack(arrival)
  await untilNothingIsPending(server, issued)
})
