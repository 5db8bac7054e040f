// Is a message that reached its time to live never delivered, neither from a backlog nor as retained, and counted?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, eventually, issueToken, lookup, metric, send, startServer } from '../support/index.ts'
import { texts, untilNothingIsPending, untilSecondsPassed } from './support/messages.ts'

const server = await startServer(t, { settings: { PUSH_SWEEP: '1', PUSH_SESSION_RECHECK: '1' } })
const app = 'shop'

for (const kind of ['private', 'broadcast'] as const) {
  const version = `1.0.0-${kind}`
  const token = (device: string) => issueToken(server, { app, device: `${kind} ${device}`, version })
  const to = (issued: Awaited<ReturnType<typeof token>>) =>
    kind === 'private' ? { token: issued.tokenId } : { app, version }

  await t.test(`pending, ${kind}`, async (t) => {
    const issued = await token('pending')
    const expired = await metric(server, 'push_expired_total', `destination="${kind}"`)
    await send(server, to(issued), 'brief 1', { ttl: 1 })
    await send(server, to(issued), 'long 1', { ttl: 3600 })
    await send(server, to(issued), 'brief 2', { ttl: 1, retain: true })
    await send(server, to(issued), 'long 2')
    await eventually('the brief messages to be gone', async () => {
      const { messages } = await lookup(server, issued.token)
      return messages.map(({ payload }) => payload).join() === 'long 1,long 2'
    })
    await eventually('the expired messages to be counted', async () => {
      return (await metric(server, 'push_expired_total', `destination="${kind}"`)) === expired + 2
    })
    const device = await connectDevice(t, server, issued)
    await device.subscribe(issued.topics[kind]!)
    t.same(texts(await barrier(server, device, to(issued))), ['long 1', 'long 2'])
    await untilNothingIsPending(server, issued)
    await device.end()
    const fresh = await connectDevice(t, server, issued)
    await fresh.subscribe(issued.topics[kind]!)
    t.same(await barrier(server, fresh, to(issued)), [], 'nor is it retained any more')
  })

  await t.test(`behind a full window, ${kind}`, async (t) => {
    const issued = await token('window')
    const device = await connectDevice(t, server, issued, { manualAck: true, properties: { receiveMaximum: 1 } })
    await device.subscribe(issued.topics[kind]!)
    await send(server, to(issued), 'under way')
    const underWay = await device.next()
    await send(server, to(issued), 'waits too long', { ttl: 1 })
    await send(server, to(issued), 'waits')
    await untilSecondsPassed(server, 2)
    device.ack(underWay)
    t.equal((await device.next()).text, 'waits')
  })

  await t.test(`under way when it expires, not sent again, ${kind}`, async (t) => {
    const issued = await token('under way')
    const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
    const device = await connectDevice(t, server, issued, { ...kept, manualAck: true })
    await device.subscribe(issued.topics[kind]!)
    await send(server, to(issued), 'brief', { ttl: 1 })
    await send(server, to(issued), 'long')
    t.same(texts(await device.nextN(2)), ['brief', 'long'])
    await device.reset()
    await untilSecondsPassed(server, 2)
    const resumed = await connectDevice(t, server, issued, kept)
    t.match(await resumed.next(), { text: 'long', dup: true })
    t.same(await barrier(server, resumed, to(issued)), [])
  })
}
