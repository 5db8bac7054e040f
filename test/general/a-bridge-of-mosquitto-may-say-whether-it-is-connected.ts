// Does a bridge of Mosquitto, which tells of itself below $SYS/ unless it is told not to, stay connected and is it heard?
import { t } from '../support/tap.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const STATE = '$SYS/broker/connection/bridge/state'

await t.test('a bridge', async (t) => {
  const server = await serve(t)
  const { raw } = await join(t, server, 'watcher', { expiry: 0 })
  await raw.subscribe('$SYS/broker/connection/#', 1)
  const will = { topic: STATE, payload: Buffer.from('0'), qos: 1 as const, retain: true }
  const bridge = await join(t, server, 'bridge', { level: 4, clean: true, will })
  publish(bridge.raw, STATE, '1', 1, { retain: true })
  t.match(await bridge.raw.next('puback'), { messageId: 1 })
  t.match(await arrival(raw), { topic: STATE, text: '1' })
  await bridge.raw.reset()
  t.match(await arrival(raw), { topic: STATE, text: '0' }, 'its will')
})

await t.test('nothing else goes below $SYS/', async (t) => {
  const server = await serve(t)
  const { raw } = await join(t, server, 'publisher')
  for (const topic of [
    '$SYS/broker/uptime',
    '$SYS/broker/connection/state',
    `${STATE}/more`,
    '$SYS/broker/connection//state',
  ]) {
    publish(raw, topic, 'no', 1)
    t.match(await raw.next('puback'), { reasonCode: 0x87 }, topic)
  }
})
