// Is a topic that Mosquitto would be administered by refused, as a will and as a PUBLISH?
import { t } from '../../support/tap.ts'
import { arrival, join, publish, ruled } from './support/ruled.ts'

const TOPIC = '$CONTROL/dynamic-security/v1'

await t.test('a will and a PUBLISH', async (t) => {
  const { listen } = await ruled(t)
  const target = await listen()
  const watcher = await join(t, target, 'watcher')
  await watcher.raw.subscribe('$CONTROL/#', 0)
  await watcher.raw.subscribe('$CONTROLLER', 0)

  const will = { topic: TOPIC, payload: Buffer.from('{}'), qos: 0, retain: false } as const
  t.equal((await join(t, target, 'testator', { will })).code, 0x87)

  const writer = await join(t, target, 'writer')
  publish(writer.raw, TOPIC, '{}')
  t.match(await writer.raw.next(), { cmd: 'puback', reasonCode: 0x87 })
  publish(writer.raw, '$CONTROLLER', 'another')
  t.match(await arrival(watcher.raw), { topic: '$CONTROLLER' }, 'nothing came before')
})
