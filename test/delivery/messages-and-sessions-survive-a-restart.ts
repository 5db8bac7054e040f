// Do tokens, pending messages, broadcasts, cursors and sessions survive that the server is stopped and started again?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, send, startServer, startServerProcess } from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending } from './support/messages.ts'

const app = 'shop'
const server = await startServer(t)

for (const protocolVersion of [4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const version = `1.0.${protocolVersion}`
    const issued = await issueToken(server, { app, device: `phone ${protocolVersion}`, account: 'ada', version })
    const kept = {
      protocolVersion,
      clean: false,
      ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
    }
    const first = await connectDevice(t, server, issued, { ...kept, manualAck: true })
    await first.subscribe([issued.topics.private, issued.topics.broadcast!])
    await sendEach(t, server, { token: issued.tokenId }, numbered(10))
    await sendEach(t, server, { app, version }, numbered(10, 1, 'b'))
    const arrived = await first.nextN(20)
    const privately = arrived.filter(({ topic }) => topic === issued.topics.private)
    const broadcasts = arrived.filter(({ topic }) => topic !== issued.topics.private)
    for (const each of [...privately.slice(0, 5), ...broadcasts.slice(0, 5)]) first.ack(each)
    // The server has read these acknowledgements when it answers what was sent after them.
    await first.subscribe(issued.topics.private, { retainHandling: 2 })

    t.equal(await server.stop(), 0)
    await first.closed
    await server.restart()
    await send(server, { token: issued.tokenId }, 'after the restart')

    const second = await connectDevice(t, server, issued, kept)
    t.equal(second.connack.sessionPresent, true)
    const rest = await second.nextN(11)
    const of = (topic: string) => rest.filter((arrival) => arrival.topic === topic)
    t.same(texts(of(issued.topics.private)), [...numbered(5, 6), 'after the restart'])
    t.same(texts(of(issued.topics.broadcast!)), numbered(5, 6, 'b'))
    const again = rest.filter(({ text }) => text !== 'after the restart')
    const packetIds = new Map(arrived.map(({ text, packetId }) => [text, packetId]))
    t.ok(again.every(({ dup, text, packetId }) => dup && packetIds.get(text) === packetId))
    await untilNothingIsPending(server, issued)
    await second.end()

    await server.restart()
    const third = await connectDevice(t, server, issued, kept)
    t.equal(third.connack.sessionPresent, true)
    t.same(await barrier(server, third), [], 'what was acknowledged stays acknowledged')
    t.same(await barrier(server, third, { app, version }), [])
    await untilNothingIsPending(server, issued)
    await third.end()
  })
}

await t.test('after a kill', async (t) => {
  const server = await startServerProcess(t)
  const issued = await issueToken(server, { app, device: 'killed', account: 'ada', version: '2.0.0' })
  const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
  const first = await connectDevice(t, server, issued, { ...kept, manualAck: true })
  await first.subscribe([issued.topics.private, issued.topics.broadcast!])
  await sendEach(t, server, { token: issued.tokenId }, numbered(10))
  const arrived = await first.nextN(10)
  for (const each of arrived.slice(0, 5)) first.ack(each)
  await server.kill()
  await server.restart()
  await send(server, { app, versions: '*' }, 'broadcast after the kill')
  const second = await connectDevice(t, server, issued, kept)
  t.equal(second.connack.sessionPresent, true, 'the session')
  const rest = await barrier(server, second)
  const privately = rest.filter(({ topic }) => topic === issued.topics.private)
  t.same(texts(privately).slice(-5), numbered(5, 6), 'what was not acknowledged')
  t.ok(privately.length <= 10, 'and of the others at most those whose cursor was not written yet')
  const packetIds = new Map(arrived.map(({ text, packetId }) => [text, packetId]))
  t.ok(privately.every(({ dup, text, packetId }) => dup && packetIds.get(text) === packetId))
  const broadcasts = await barrier(server, second, { app, version: '2.0.0' })
  t.same(texts([...rest, ...broadcasts].filter(({ topic }) => topic !== issued.topics.private)), [
    'broadcast after the kill',
  ])
})
