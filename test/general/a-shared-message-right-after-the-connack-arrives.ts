// Does a member that has just come back to its session get what is published from then on, whatever the QoS?
import { t } from '../support/tap.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const TIMES = 30

for (const qos of [0, 1, 2] as const) {
  await t.test(`QoS ${qos}`, async (t) => {
    const server = await serve(t)
    const first = await join(t, server, 'member')
    await first.raw.subscribe('$share/group/a/+', qos)
    await first.raw.end()
    const { raw: speaker } = await join(t, server, 'speaker', { expiry: 0, clean: true })
    for (let time = 1; time <= TIMES; time += 1) {
      const { raw, present } = await join(t, server, 'member')
      publish(speaker, 'a/b', `${time}`, time, { qos, ...(qos === 0 ? { messageId: undefined } : {}) })
      const { text, messageId } = await arrival(raw)
      t.match({ present, text }, { present: true, text: `${time}` })
      if (qos === 1) raw.send({ cmd: 'puback', messageId })
      if (qos === 2) {
        raw.send({ cmd: 'pubrec', messageId })
        await raw.next('pubrel')
        raw.send({ cmd: 'pubcomp', messageId })
      }
      await raw.end()
    }
  })
}
