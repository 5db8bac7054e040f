// Of messages that the other broker refuses: is one that it will never take dropped, and one that it may take sent again?
import { mosquittoPub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startRemote } from './support/remote.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

await t.test('refusals', async (t) => {
  const remote = await startRemote(t, 5)
  const bridge = bridgeTo(remote.port, {
    protocolVersion: 'mqttv50',
    topics: [topic('a/#', 'out', 2)],
    notifications: false,
  })
  const local = await serve(t, { bridges: [bridge] })
  const publish = (qos: string, payload: string) => mosquittoPub(t, local, '-t', 'a/b', '-q', qos, '-m', payload)
  const session = { properties: { receiveMaximum: 1 } }
  let there = await remote.welcome(session)
  await publish('1', 'never')
  await publish('2', 'never either')
  await publish('1', 'later')
  await publish('1', 'last')
  const next = async () => {
    for (;;) {
      const packet = await there.packets.next()
      const { messageId = 0 } = packet
      // Of the refused one of QoS 2, where the connection was lost before its end: a broker that knows it no more says so.
      if (packet.cmd === 'pubrel') there.send({ cmd: 'pubcomp', messageId, reasonCode: 0x92 })
      if (packet.cmd !== 'publish') continue
      const { payload, dup, qos } = packet
      return { payload: payload.toString(), messageId, dup, qos }
    }
  }
  const first = await next()
  t.match(first, { payload: 'never', qos: 1 })
  there.send({ cmd: 'puback', messageId: first.messageId, reasonCode: 0x87 })
  const second = await next()
  t.match(second, { payload: 'never either', qos: 2 })
  there.send({ cmd: 'pubrec', messageId: second.messageId, reasonCode: 0x87 })
  for (let times = 0; times < 2; times++) {
    const again = await next()
    t.match(again, { payload: 'later', dup: times > 0 })
    there.send({ cmd: 'puback', messageId: again.messageId, reasonCode: 0x97 })
    await there.closed
    there = await remote.welcome({ ...session, sessionPresent: true })
  }
  for (const payload of ['later', 'last']) {
    const taken = await next()
    t.match(taken, { payload })
    there.send({ cmd: 'puback', messageId: taken.messageId })
  }
  const log = local.log.join('\n')
  t.match(log, /a message to \\"a\/b\\" does not go on: Not authorized/)
  t.match(log, /it does not take \\"a\/b\\" now: Quota exceeded/)
})
