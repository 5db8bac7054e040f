// Before MQTT 5, is a denied PUBLISH acknowledged to its end and dropped, as Mosquitto does, and can it close as well?
import { t } from '../../support/tap.ts'
import { arrival, join, people, publish, ruled } from './support/ruled.ts'

const users = people(() => ({ mayPublish: (topic) => !topic.startsWith('no/') }))

await t.test('acknowledged and dropped', async (t) => {
  const { listen, general } = await ruled(t, { users })
  const target = await listen()
  const watcher = await join(t, target, 'watcher')
  await watcher.raw.subscribe('#')
  for (const clean of [true, false]) {
    const { raw } = await join(t, target, `denied-${clean}`, { level: 4, clean })
    publish(raw, 'no/a', 'x', { qos: 0, messageId: undefined })
    publish(raw, 'no/b', 'x', { messageId: 2 })
    t.match(await raw.next(), { cmd: 'puback', messageId: 2 })
    publish(raw, 'no/c', 'x', { qos: 2, messageId: 3 })
    t.match(await raw.next(), { cmd: 'pubrec', messageId: 3 })
    raw.send({ cmd: 'pubrel', messageId: 3 })
    t.match(await raw.next(), { cmd: 'pubcomp', messageId: 3 })
    publish(raw, '$SYS/broker/uptime', 'x', { messageId: 4 })
    t.match(await raw.next(), { cmd: 'puback', messageId: 4 })
    publish(raw, 'yes', 'x', { messageId: 5 })
    t.match(await arrival(watcher.raw), { topic: 'yes' }, 'nothing of that came')
  }
  const five = await join(t, target, 'five')
  publish(five.raw, 'no/a', 'x')
  t.match(await five.raw.next(), { cmd: 'puback', reasonCode: 0x87 }, 'MQTT 5 has a word for it')
  general.deniedPublish = 'close'
  const { raw } = await join(t, target, 'closed', { level: 4 })
  publish(raw, 'no/a', 'x')
  await t.rejects(raw.next(), /closed the connection/)
})
