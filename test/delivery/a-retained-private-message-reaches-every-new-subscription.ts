// Does a retained private message reach every new subscription with RETAIN = 1, once, until an empty payload clears it?
import { t } from '../support/tap.ts'
import {
  barrier,
  connectDevice,
  connectProvider,
  issueToken,
  mosquittoSub,
  send,
  startServer,
} from '../support/index.ts'
import { texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const issued = await issueToken(server, { app, device: `phone ${protocolVersion}`, account: 'ada' })
    const to = { token: issued.tokenId }
    const connectFresh = () => connectDevice(t, server, issued, { protocolVersion, clean: true, subscribe: true })
    await send(server, to, 'not retained')
    await send(server, to, 'state 1', { retain: true })
    await send(server, to, 'state 2', { retain: true })

    const first = await connectFresh()
    t.match(
      await barrier(server, first),
      [
        { text: 'not retained', retain: false },
        { text: 'state 1', retain: false },
        { text: 'state 2', retain: true, topic: issued.topics.private, qos: 1 },
      ],
      'pending and retained: it comes once',
    )
    t.equal(first.received.length, 4)
    await send(server, to, 'state 3', { retain: true })
    t.match(await first.next(), { text: 'state 3', retain: false }, 'live it is a message like others')
    await untilNothingIsPending(server, issued)
    await first.end()

    const second = await connectFresh()
    t.match(await second.next(), { text: 'state 3', retain: true, qos: 1 }, 'also after it was acknowledged')
    t.same(await barrier(server, second), [])
    await second.end()

    await server.restart()
    const third = await connectFresh()
    t.match(await third.next(), { text: 'state 3', retain: true, qos: 1 }, 'also after a restart')
    await send(server, to, '', { retain: true })
    t.match(await third.next(), { text: '', retain: false }, 'the empty message is delivered')
    t.same(await barrier(server, third), [])
    await untilNothingIsPending(server, issued)
    await third.end()

    const fourth = await connectFresh()
    t.same(await barrier(server, fourth), [], 'and nothing is retained any more')
    await untilNothingIsPending(server, issued)
  })
}

await t.test('retained over MQTT, seen by mosquitto_sub', async (t) => {
  const issued = await issueToken(server, { app, device: 'shell', account: 'ada' })
  const provider = await connectProvider(t, server)
  for (const qos of [0, 1, 2] as const) {
    await provider.publish(issued.topics.private, `state ${qos}`, { qos, retain: true })
    // QoS 0 has no acknowledgement; the next one's comes after it.
    await provider.publish(issued.topics.private, 'plain', { qos: 1 })
    const credentials = ['-u', 'device', '-P', issued.token, '-q', '1', '-t', issued.topics.private]
    for (const round of ['pending', 'acknowledged']) {
      const sub = await mosquittoSub(t, server, ...credentials)
      t.match(await sub.next(), { payload: `state ${qos}`, retain: 1, qos: 1 }, `${qos}, ${round}`)
      if (round === 'pending') t.match(await sub.next(), { payload: 'plain', retain: 0 })
      await untilNothingIsPending(server, issued)
      await sub.stop()
    }
  }
  await provider.publish(issued.topics.private, '', { qos: 1, retain: true })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  t.match(await barrier(server, device), [{ text: '', retain: false }])
  t.equal(device.received.length, 2)
})

await t.test('each subscription of a session gets it, whatever the session has seen', async (t) => {
  const issued = await issueToken(server, { app, device: 'again', account: 'ada' })
  await send(server, { token: issued.tokenId }, 'state', { retain: true })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  t.match(await device.next(), { text: 'state', retain: true })
  await device.client.unsubscribeAsync(issued.topics.private)
  await device.subscribe(issued.topics.private)
  t.match(await device.next(), { text: 'state', retain: true })
  await device.subscribe(issued.topics.private, { qos: 0 })
  t.match(await device.next(), { text: 'state', retain: true, qos: 0 })
  t.same(texts(await barrier(server, device)), [])
})
