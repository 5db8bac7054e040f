// Has a device at most a window of unacknowledged messages, its own Receive Maximum at most, over all its topics?
import { t } from '../support/tap.ts'
import {
  type Arrival,
  type ConnectOptions,
  connectDevice,
  connectRaw,
  issueToken,
  send,
  startServer,
} from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const cases: { name: string; window: number; options: ConnectOptions }[] = [
  { name: 'the default window on MQTT 3.1.1', window: 20, options: { protocolVersion: 4 } },
  { name: 'the default window on MQTT 5', window: 20, options: {} },
  { name: 'a larger Receive Maximum changes nothing', window: 20, options: { properties: { receiveMaximum: 100 } } },
  { name: 'a Receive Maximum of 3', window: 3, options: { properties: { receiveMaximum: 3 } } },
  { name: 'a Receive Maximum of 1', window: 1, options: { properties: { receiveMaximum: 1 } } },
]

for (const [index, { name, window, options }] of cases.entries()) {
  await t.test(name, async (t) => {
    const issued = await issueToken(server, { app, device: name, version: `1.0.${index}` })
    await sendEach(t, server, { token: issued.tokenId }, numbered(40, 1, 'private'))
    await sendEach(t, server, { app, version: `1.0.${index}` }, numbered(40, 1, 'broadcast'))
    const device = await connectDevice(t, server, issued, { ...options, manualAck: true })
    await device.subscribe([issued.topics.private, issued.topics.broadcast!])
    const underWay: Arrival[] = []
    const most = { underWay: 0 }
    for (let received = 0; received < 80; received++) {
      underWay.push(await device.next())
      // Everything that has arrived counts, read here or not.
      most.underWay = Math.max(most.underWay, underWay.length + device.queue.pending.length)
      // Lets the window fill, then acknowledges in no order.
      if (underWay.length < window && received < 80 - window) continue
      const [acknowledged] = underWay.splice((received * 7) % underWay.length, 1)
      device.ack(acknowledged!)
    }
    for (const rest of underWay) device.ack(rest)
    t.equal(most.underWay, window)
    await untilNothingIsPending(server, issued)
    const of = (topic: string) => texts(device.received.filter((arrival) => arrival.topic === topic))
    t.same(of(issued.topics.private), numbered(40, 1, 'private'))
    t.same(of(issued.topics.broadcast!), numbered(40, 1, 'broadcast'))
    t.equal(new Set(device.received.map(({ text }) => text)).size, 80, 'each once')
  })
}

await t.test('a device that acknowledges nothing is sent no more than a window, whatever happens', async (t) => {
  const issued = await issueToken(server, { app, device: 'mute', account: 'ada' })
  const raw = await connectRaw(t, server.mqttPort)
  await raw.connect({ token: issued.token })
  await raw.subscribe(issued.topics.private)
  await sendEach(t, server, { token: issued.tokenId }, numbered(30))
  const arrived = []
  while (arrived.length < 20) arrived.push(await raw.next('publish'))
  await send(server, { token: issued.tokenId }, 'one more')
  await raw.ping()
  await raw.ping()
  t.equal(raw.packets.received.filter(({ cmd }) => cmd === 'publish').length, 20)
  t.equal(new Set(arrived.map(({ messageId }) => messageId)).size, 20, 'no packet id is used twice at a time')
  raw.puback(arrived[0]!)
  t.equal(String((await raw.next('publish')).payload), 'm-21')
  raw.puback({ messageId: 9 })
  await raw.ping()
  t.equal(raw.packets.received.filter(({ cmd }) => cmd === 'publish').length, 21, 'a stray PUBACK makes no room')
})
