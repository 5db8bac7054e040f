// Does a QoS 2 message of a client reach others once, wherever in its handshake the connection, or the server, ends?
import { t } from '../support/tap.ts'
import { decodeReceived } from '../../broker/session/received-message.ts'
import { userSessionName } from '../../broker/session/user-sessions.ts'
import type { Store } from '../../store/contract.ts'
import { connect } from '../support/index.ts'
import { join, publish } from './support/people.ts'
import { general } from './support/router.ts'
import { serve } from './support/serve.ts'

const ANN = { username: 'ann', password: 'x' }
const KEPT = { clean: false, properties: { sessionExpiryInterval: 100 } }

for (const end of ['the connection', 'the server'] as const)
  await t.test(`${end} ends`, async (t) => {
    let server = await serve(t)
    const subscribed = await connect(t, server, ANN, { ...KEPT, clientId: 'kept' })
    await subscribed.subscribe('topic', { qos: 2 })
    await subscribed.end()
    const clean = end === 'the connection' ? await connect(t, server, ANN, { clientId: 'clean' }) : undefined
    await clean?.subscribe('topic', { qos: 2 })

    const cut = async (raw: { reset(): Promise<void> }) => {
      if (end === 'the connection') return await raw.reset()
      await server.close()
      server = await serve(t, { dataDir: server.dataDir })
    }

    const first = await join(t, server, 'publisher')
    publish(first.raw, 'topic', 'one', 7, { qos: 2 })
    t.match(await first.raw.next('pubrec'), { messageId: 7, reasonCode: 0 })
    await cut(first.raw)

    const second = await join(t, server, 'publisher')
    publish(second.raw, 'topic', 'one', 7, { qos: 2, dup: true })
    t.match(await second.raw.next('pubrec'), { messageId: 7, reasonCode: 0 })
    await cut(second.raw)

    const uid = await uidOf(server.store, userSessionName('ann', 'publisher'), 7)
    const third = await join(t, server, 'publisher')
    third.raw.send({ cmd: 'pubrel', messageId: 7 })
    t.match(await third.raw.next('pubcomp'), { messageId: 7, reasonCode: 0 })
    const to = [{ name: userSessionName('ann', 'kept'), qos: 2 as const, retain: false, identifiers: [] }]
    const append = { topic: 'topic', message: general('topic', 'late'), to, uid }
    t.same(await server.store.appendSessions(append), ['duplicate'], 'a former connection may be late')
    await cut(third.raw)

    const fourth = await join(t, server, 'publisher')
    fourth.raw.send({ cmd: 'pubrel', messageId: 7 })
    t.match(await fourth.raw.next('pubcomp'), { messageId: 7, reasonCode: 0x92 }, 'it is over')
    publish(fourth.raw, 'topic', 'two', 7, { qos: 2 })
    await fourth.raw.next('pubrec')

    const back = await connect(t, server, ANN, { ...KEPT, clientId: 'kept' })
    for (const receiver of [back, ...(clean === undefined ? [] : [clean])]) {
      t.same(
        (await receiver.nextN(2)).map(({ text }) => text),
        ['one', 'two'],
      )
      t.equal(receiver.received.length, 2)
    }
    await server.close()
    server = await serve(t, { dataDir: server.dataDir })
    t.same(await server.store.appendSessions(append), ['stored'], 'nobody remembers what it was known by')
  })

async function uidOf(store: Store, name: string, packetId: number): Promise<string> {
  for await (const session of store.namedSessions())
    for (const [id, known] of session.received)
      if (session.name === name && id === packetId) return decodeReceived(known).uid
  throw new Error('it is not remembered')
}
