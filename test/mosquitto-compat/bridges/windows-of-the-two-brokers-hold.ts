// Do many messages of QoS 2 cross at one time, with no more under way than either broker takes?
import { connectAsync } from 'mqtt'
import { mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startRemote } from './support/remote.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

const IDS = Array.from({ length: 200 }, (_, at) => at + 1)

await t.test('out, to a broker that takes two', async (t) => {
  const remote = await startRemote(t, 5)
  const protocol = { protocolVersion: 'mqttv50', notifications: false, attemptUnsubscribe: false } as const
  const local = await serve(t, { bridges: [bridgeTo(remote.port, { topics: [topic('a', 'out', 2)], ...protocol })] })
  const there = await remote.welcome({ properties: { receiveMaximum: 2 } })
  const publisher = await connectAsync({ host: '127.0.0.1', port: local.mqttPort })
  t.teardown(() => publisher.endAsync(true))
  await Promise.all(IDS.map((id) => publisher.publishAsync('a', `${id}`, { qos: 2 })))
  const underWay = new Set<number>()
  const arrived: string[] = []
  let most = 0
  while (arrived.length < IDS.length || underWay.size > 0) {
    const packet = await there.packets.next()
    const { messageId = 0 } = packet
    if (packet.cmd === 'publish') {
      underWay.add(messageId)
      most = Math.max(most, underWay.size)
      arrived.push(packet.payload.toString())
      // The first half waits until there are two.
      if (underWay.size === 2 || arrived.length > IDS.length / 2)
        for (const id of underWay) there.send({ cmd: 'pubrec', messageId: id })
    } else if (packet.cmd === 'pubrel') {
      there.send({ cmd: 'pubcomp', messageId })
      underWay.delete(messageId)
    }
  }
  t.equal(most, 2)
  t.equal(new Set(arrived).size, IDS.length)
})

await t.test('in, from a broker that sends all at one time', async (t) => {
  const remote = await startRemote(t)
  const limits = { receiveMaximum: 10 }
  const topics = [topic('a', 'in', 2)]
  const bridge = bridgeTo(remote.port, { topics, notifications: false })
  const local = await serve(t, { bridges: [bridge], push: { limits } })
  const here = await mosquittoSub(t, local, '-t', 'a', '-q', '2')
  const there = await remote.welcome()
  await there.next('subscribe')
  for (const messageId of IDS)
    there.send({ cmd: 'publish', topic: 'a', payload: `${messageId}`, qos: 2, dup: false, retain: false, messageId })
  const completed = new Set<number>()
  while (completed.size < IDS.length) {
    const { cmd, messageId = 0 } = await there.packets.next()
    if (cmd === 'pubrec') there.send({ cmd: 'pubrel', messageId })
    if (cmd === 'pubcomp') completed.add(messageId)
  }
  const payloads = (await here.nextN(IDS.length)).map(({ payload }) => Number(payload))
  t.same(new Set(payloads), new Set(IDS))
})
