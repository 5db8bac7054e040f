// May a client of MQTT 3.1.1, which knows no Receive Maximum, send more QoS 2 messages than that before its first PUBREL?
import { t } from '../support/tap.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const MAXIMUM = 4
const COUNT = 5 * MAXIMUM
const numbers = Array.from({ length: COUNT }, (_, index) => index + 1)

const server = await serve(t, { limits: { receiveMaximum: MAXIMUM } })

for (const clean of [true, false])
  await t.test(clean ? 'a clean session' : 'a kept session', async (t) => {
    const reader = await join(t, server, 'reader', { expiry: 0, clean: true })
    await reader.raw.subscribe('topic', 1)
    const { raw } = await join(t, server, `publisher ${clean}`, { level: 4, clean })
    for (const id of numbers) publish(raw, 'topic', `${id}`, id, { qos: 2 })
    for (const messageId of numbers) t.match(await raw.next('pubrec'), { messageId })
    for (const messageId of numbers) {
      raw.send({ cmd: 'pubrel', messageId })
      t.match(await raw.next('pubcomp'), { messageId })
    }
    for (const id of numbers) {
      const { text, messageId } = await arrival(reader.raw)
      t.equal(text, `${id}`)
      reader.raw.puback({ messageId })
    }
  })

await t.test('there is a limit all the same', async (t) => {
  const { raw } = await join(t, server, 'greedy', { level: 4 })
  for (let id = 1; id <= 10 * MAXIMUM + 1; id += 1) publish(raw, 'nobody', `${id}`, id, { qos: 2 })
  await raw.closed
  t.pass('it is closed')
})

await t.test('on MQTT 5 it is lower', async (t) => {
  const { raw } = await join(t, server, 'five')
  for (const id of numbers) publish(raw, 'topic', `${id}`, id, { qos: 2 })
  t.match(await raw.next('disconnect'), { reasonCode: 0x93 })
})
