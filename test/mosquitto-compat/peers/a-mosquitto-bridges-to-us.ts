// Does a stock Mosquitto bridge to us both ways, through the end of either, and is its state seen, retained?
import { connectAsync, type MqttClient } from 'mqtt'
import { eventually, mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startBridged } from '../bridges/support/bridged-process.ts'
import { startMosquitto } from '../bridges/support/mosquitto.ts'

const COUNT = 300

for (const version of ['mqttv311', 'mqttv50'] as const) {
  await t.test(version, async (t) => {
    const ours = await startBridged(t, [])
    const theirs = await startMosquitto(
      t,
      'connection edge',
      `address 127.0.0.1:${ours.mqttPort}`,
      'topic up/# out 1',
      'topic down/# in 1',
      'topic both/# both 1',
      'restart_timeout 1',
      `bridge_protocol_version ${version}`,
    )
    const state = await mosquittoSub(t, ours, '-t', '$SYS/broker/connection/+/state')
    t.match(await state.messages.nextWhere(({ payload }) => payload === '1'), { topic: /\.edge\/state$/ })
    const later = await mosquittoSub(t, ours, '-t', '$SYS/broker/connection/+/state')
    t.match(await later.next(), { payload: '1', retain: 1 })
    const here = await kept(t, ours.mqttPort, 'up/#', 'both/#')
    const there = await kept(t, theirs.mqttPort, 'down/#', 'both/#')
    const disturb = async (at: number) => {
      if (at === 100) {
        await ours.stop('SIGKILL')
        await ours.start()
      }
      // It keeps what it has when it is terminated; killed, it has nothing.
      if (at === 200) await theirs.restart('SIGTERM')
    }
    for (let at = 0; at < COUNT; at++) {
      await disturb(at)
      await Promise.all([
        there.client.publishAsync('up/a', `${at}`, { qos: 1 }),
        here.client.publishAsync('down/a', `${at}`, { qos: 1 }),
        here.client.publishAsync('both/here', `${at}`, { qos: 1 }),
      ])
    }
    const all = (topic: string) => Array.from({ length: COUNT }, (_, at) => `${topic} ${at}`)
    // What was published here while Mosquitto's bridge on MQTT 5 was away is gone: its session ends with its connection.
    const isKept = version === 'mqttv311'
    await eventually('all are here', () => all('up/a').every((each) => here.seen.has(each)), 60_000)
    if (isKept) await eventually('all are there', () => all('down/a').every((each) => there.seen.has(each)), 60_000)
    t.equal(here.times.get('both/here 0'), 1, 'none comes back to where it was published')
  })
}

async function kept(t: { teardown(end: () => unknown): unknown }, port: number, ...filters: string[]) {
  const id = `kept-${filters[0]}`
  const client: MqttClient = await connectAsync({
    host: '127.0.0.1',
    port,
    clientId: id.replaceAll('/', '-').replace('#', ''),
    clean: false,
    reconnectPeriod: 100,
  })
  client.on('error', () => undefined)
  t.teardown(() => client.endAsync(true))
  const seen = new Set<string>()
  const times = new Map<string, number>()
  client.on('message', (topic, payload) => {
    const key = `${topic} ${payload.toString()}`
    seen.add(key)
    times.set(key, (times.get(key) ?? 0) + 1)
  })
  await client.subscribeAsync(filters, { qos: 1 })
  return { client, seen, times }
}
