// Is a QoS 2 message known once by its receiver, wherever in its handshake the connection, or the server, ends?
import { t } from '../support/tap.ts'
import { arrival, complete, join, publish } from './support/people.ts'
import { type General, serve } from './support/serve.ts'

type Cut = (server: General, how: { reset(): Promise<void> }) => Promise<General>

for (const end of ['the connection', 'the server'] as const)
  await t.test(`${end} ends`, async (t) => {
    let server = await serve(t)
    const cut: Cut = async (current, raw) => {
      if (end === 'the connection') {
        await raw.reset()
        return current
      }
      await current.close()
      return await serve(t, { dataDir: current.dataDir })
    }

    await t.test('before PUBREC: it comes again, with DUP and its packet id', async (t) => {
      const first = await join(t, server, 'before')
      await first.raw.subscribe('before', 2)
      publish(first.raw, 'before', 'one', 1, { qos: 2 })
      const sent = await arrival(first.raw)
      server = await cut(server, first.raw)
      const second = await join(t, server, 'before')
      t.equal(second.present, true)
      t.same(await arrival(second.raw), { ...sent, dup: true })
      await complete(second.raw, sent.messageId)
      await second.raw.ping()
      await second.raw.reset()
      const third = await join(t, server, 'before')
      await third.raw.ping()
      t.same(
        third.raw.packets.received.map(({ cmd }) => cmd),
        ['connack', 'pingresp'],
        'and no more when it is done',
      )
    })

    await t.test('after PUBREC: only PUBREL comes again', async (t) => {
      const first = await join(t, server, 'after')
      await first.raw.subscribe('after', 2)
      publish(first.raw, 'after', 'one', 1, { qos: 2 })
      const { messageId } = await arrival(first.raw)
      first.raw.send({ cmd: 'pubrec', messageId })
      await first.raw.next('pubrel')
      server = await cut(server, first.raw)
      const second = await join(t, server, 'after')
      t.equal((await second.raw.next('pubrel')).messageId, messageId)
      second.raw.send({ cmd: 'pubcomp', messageId })
      publish(second.raw, 'after', 'two', 1)
      t.equal((await arrival(second.raw)).text, 'two')
    })

    await t.test('several under way, acknowledged out of order', async (t) => {
      const first = await join(t, server, 'several')
      await first.raw.subscribe('several', 2)
      const writer = await join(t, server, 'writer', { expiry: 0 })
      for (const [at, text] of ['one', 'two', 'three'].entries())
        publish(writer.raw, 'several', text, 1 + at, { qos: 2 })
      const [one, two, three] = [await arrival(first.raw), await arrival(first.raw), await arrival(first.raw)]
      await complete(first.raw, two.messageId)
      first.raw.send({ cmd: 'pubrec', messageId: three.messageId })
      await first.raw.next('pubrel')
      await first.raw.ping()
      server = await cut(server, first.raw)
      const second = await join(t, server, 'several')
      t.match(await second.raw.next(), { cmd: 'publish', messageId: one.messageId, dup: true })
      t.match(await second.raw.next(), { cmd: 'pubrel', messageId: three.messageId })
    })
  })
