// Of two nodes on one Redis, does one have the bridge, and the other one when that is killed or ends, with nothing lost?
import { connectAsync } from 'mqtt'
import { eventually, mosquittoSub, startRedis } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startBridged } from './support/bridged-process.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { bridgeTo, topic } from './support/serve.ts'

await t.test('two nodes', async (t) => {
  const { url } = await startRedis(t)
  const far = await startMosquitto(t, 'log_type all')
  const bridge = bridgeTo(far.mqttPort, { topics: [topic('out/#', 'out', 1), topic('in/#', 'in', 1)] })
  const there = await mosquittoSub(t, far, '-t', 'out/#', '-t', '$SYS/broker/connection/#', '-q', '1')
  const nodes = [await startBridged(t, [bridge], url), await startBridged(t, [bridge], url)] as const
  const isState = (wanted: string) => (each: { topic: string; payload: string }) =>
    each.topic.startsWith('$SYS/') && each.payload === wanted
  await there.messages.nextWhere(isState('1'))
  const [first, second] = nodes
  const publisher = await connectAsync({ host: '127.0.0.1', port: second.mqttPort })
  const receiver = await mosquittoSub(t, second, '-t', 'in/#', '-q', '1')
  t.teardown(() => publisher.endAsync(true))
  await publisher.publishAsync('out/a', 'from the other node', { qos: 1 })
  t.match(await there.messages.nextWhere(({ topic }) => topic === 'out/a'), { payload: 'from the other node' })

  await first.stop('SIGKILL')
  await there.messages.nextWhere(isState('0'))
  for (let at = 0; at < 100; at++) await publisher.publishAsync('out/a', `${at}`, { qos: 1 })
  const sender = await connectAsync({ host: '127.0.0.1', port: far.mqttPort })
  t.teardown(() => sender.endAsync(true))
  for (let at = 0; at < 100; at++) await sender.publishAsync('in/a', `${at}`, { qos: 1 })
  const wanted = Array.from({ length: 100 }, (_, at) => `${at}`)
  const outs = () => there.messages.received.filter(({ topic }) => topic === 'out/a').map(({ payload }) => payload)
  await eventually('all have gone out', () => wanted.every((payload) => outs().includes(payload)), 60_000)
  const ins = await receiver.nextN(100)
  t.same(new Set(ins.map(({ payload }) => payload)), new Set(wanted))

  await first.start()
  await second.stop('SIGTERM')
  await there.messages.nextWhere(isState('0'))
  await there.messages.nextWhere(isState('1'))
  const connects = far.program.stderr.filter((line) => line.includes('New bridge connected'))
  t.equal(connects.length, 3, 'each time by one node, and they do not throw each other out')
})
