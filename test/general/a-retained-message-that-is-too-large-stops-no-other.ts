// Is a retained message above the Maximum Packet Size of a client passed over, with a session that is kept or not?
import { t } from '../support/tap.ts'
import { arrival, complete, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

await t.test('what follows it comes', async (t) => {
  const server = await serve(t)
  const writer = await join(t, server, 'writer', { expiry: 0 })
  for (const [at, text] of ['1', '2', 'x'.repeat(3_000), '4', 'x'.repeat(3_000), 'x'.repeat(3_000), '7'].entries()) {
    publish(writer.raw, `r/${at}`, text, at + 1, { retain: true })
    await writer.raw.next('puback')
  }
  for (const expiry of [0, 100])
    for (const receiveMaximum of [1, 2, 20]) {
      const properties = { maximumPacketSize: 200, receiveMaximum }
      const { raw } = await join(t, server, `small ${expiry} ${receiveMaximum}`, { expiry, properties })
      await raw.subscribe('r/#', 1)
      const texts: string[] = []
      while (texts.length < 4) {
        const { text, messageId } = await arrival(raw)
        texts.push(text)
        raw.puback({ messageId })
      }
      t.same(texts, ['1', '2', '4', '7'])
    }
})

await t.test('with QoS 2', async (t) => {
  const server = await serve(t)
  const writer = await join(t, server, 'writer', { expiry: 0 })
  for (const [at, text] of ['1', 'x'.repeat(3_000), '3'].entries()) {
    publish(writer.raw, `r/${at}`, text, at + 1, { retain: true, qos: 2 })
    await writer.raw.next('pubrec')
    writer.raw.send({ cmd: 'pubrel', messageId: at + 1 })
    await writer.raw.next('pubcomp')
  }
  const { raw } = await join(t, server, 'small', { properties: { maximumPacketSize: 200, receiveMaximum: 1 } })
  await raw.subscribe('r/#', 2)
  for (const expected of ['1', '3']) {
    const { text, messageId } = await arrival(raw)
    t.equal(text, expected)
    await complete(raw, messageId)
  }
})
