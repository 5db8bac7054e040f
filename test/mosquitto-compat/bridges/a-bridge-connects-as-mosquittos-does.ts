// Are the first packets of a bridge those of Mosquitto's: CONNECT with its bit and will, notification, subscriptions?
import { t } from '../../support/tap.ts'
import { startRemote } from './support/remote.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

const STATE = '$SYS/broker/connection/here.sample/state'

await t.test('MQTT 3.1.1', async (t) => {
  const remote = await startRemote(t)
  const bridge = bridgeTo(remote.port, {
    topics: [topic('a/#', 'out', 1), topic('b/#', 'both', 2, 'l/', 'r/'), topic('c', 'in', 0)],
    remoteUsername: 'bridge',
    remotePassword: 'secret',
  })
  const { log } = await serve(t, { bridges: [bridge] })
  const { connect, packets } = await remote.welcome()
  t.match(connect, {
    protocolVersion: 4,
    bridgeMode: true,
    clean: false,
    keepalive: 60,
    clientId: 'here.sample',
    username: 'bridge',
    will: { topic: STATE, qos: 1, retain: true },
  })
  t.match(await packets.next(), { cmd: 'publish', topic: STATE, qos: 1, retain: true, messageId: 1 })
  t.match(await packets.next(), { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a/#'] })
  t.match(await packets.next(), { cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'r/b/#', qos: 2 }] })
  t.match(await packets.next(), { cmd: 'subscribe', messageId: 4, subscriptions: [{ topic: 'c', qos: 0 }] })
  t.notMatch(log.join('\n'), /secret/)
})

await t.test('MQTT 5', async (t) => {
  const remote = await startRemote(t, 5)
  const bridge = bridgeTo(remote.port, {
    protocolVersion: 'mqttv50',
    topics: [topic('b/#', 'both', 2)],
    sessionExpiryInterval: 100,
    notifications: false,
    cleanSession: true,
  })
  await serve(t, { bridges: [bridge] })
  const { connect, packets } = await remote.welcome()
  t.match(connect, { protocolVersion: 5, clean: true })
  t.same(connect.properties, { topicAliasMaximum: 10, sessionExpiryInterval: 100, receiveMaximum: 20 })
  t.notOk(connect.will)
  t.match(await packets.next(), {
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: 'b/#', qos: 2, nl: true, rap: true, rh: 0 }],
  })
})
