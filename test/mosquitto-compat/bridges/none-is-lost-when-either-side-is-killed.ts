// Do messages of QoS 1 and 2 that cross a bridge survive kill -9 of either side, and those of QoS 2 come once?
import { connectAsync, type MqttClient } from 'mqtt'
import { eventually, mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { type BridgedProcess, startBridged } from './support/bridged-process.ts'
import { bridgeTo, topic } from './support/serve.ts'

const LONG = process.env.PUSH_TEST_LONG !== undefined
const COUNT = LONG ? 2_000 : 240

for (const [direction, protocolVersion] of [
  ['out', 'mqttv311'],
  ['in', 'mqttv50'],
] as const) {
  await t.test(`${direction}, ${protocolVersion}`, async (t) => {
    const far = await startBridged(t, [])
    const bridge = bridgeTo(far.mqttPort, {
      protocolVersion,
      sessionExpiryInterval: 1_000,
      topics: [topic('one/#', direction, 1), topic('two/#', direction, 2)],
      keepAlive: 5,
    })
    const near = await startBridged(t, [bridge])
    const state = await mosquittoSub(t, far, '-t', '$SYS/broker/connection/#')
    await state.messages.nextWhere(({ payload }) => payload === '1')
    await state.stop()
    const [source, target] = direction === 'out' ? [near, far] : [far, near]
    const receiver = await client(t, target, 'receiver')
    const arrived = new Map<string, number>()
    receiver.on('message', (name, payload) => {
      const key = `${name} ${payload.toString()}`
      arrived.set(key, (arrived.get(key) ?? 0) + 1)
    })
    await receiver.subscribeAsync(['one/#', 'two/#'], { qos: 2 })
    const publisher = await client(t, source, 'publisher')
    const kills = (async () => {
      for (const [at, side] of (LONG ? [near, far, near, far, near, far] : [near, far]).entries()) {
        await eventually('some have arrived', () => arrived.size > (at + 1) * 100)
        await side.stop('SIGKILL')
        await side.start()
      }
    })()
    for (let at = 0; at < COUNT; at += 20) {
      const some = Array.from({ length: 20 }, (_, one) => `${at + one}`)
      await Promise.all(
        some.flatMap((payload) => [
          publisher.publishAsync('one/a', payload, { qos: 1 }),
          publisher.publishAsync('two/a', payload, { qos: 2 }),
        ]),
      )
    }
    await kills
    await eventually('all have arrived', () => arrived.size === 2 * COUNT, 120_000)
    const twice = [...arrived].filter(([key, times]) => key.startsWith('two/') && times > 1)
    t.same(twice, [], 'those of QoS 2 came once')
  })
}

async function client(t: { teardown(end: () => unknown): unknown }, { mqttPort }: BridgedProcess, clientId: string) {
  const connected: MqttClient = await connectAsync({
    host: '127.0.0.1',
    port: mqttPort,
    clientId,
    clean: false,
    reconnectPeriod: 100,
  })
  connected.on('error', () => undefined)
  t.teardown(() => connected.endAsync(true))
  return connected
}
