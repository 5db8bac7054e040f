// Do 1,000 messages that were published while the brokers were apart arrive, each way, in order?
import { mosquittoRun, mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

const MESSAGES = Array.from({ length: 1_000 }, (_, at) => `${at}`)
const INPUT = `${MESSAGES.join('\n')}\n`

await t.test('the other broker was away', async (t) => {
  const remote = await startMosquitto(t)
  const bridge = bridgeTo(remote.mqttPort, { topics: [topic('out/#', 'out', 1), topic('in/#', 'in', 1)] })
  const local = await serve(t, { bridges: [bridge] })
  const state = await mosquittoSub(t, local, '-t', '$SYS/broker/connection/#')
  await state.messages.nextWhere(({ payload }) => payload === '1')
  const there = await mosquittoSub(t, remote, '-t', 'out/#', '-q', '1', '-c', '-i', 'watcher')
  await remote.stop('SIGTERM')
  await state.messages.nextWhere(({ payload }) => payload === '0')
  await mosquittoRun(t, 'mosquitto_pub', local, ['-t', 'out/a', '-q', '1', '-l'], { input: INPUT })
  await remote.start()
  const payloads = (await there.nextN(MESSAGES.length)).map(({ payload }) => payload)
  t.same(payloads, MESSAGES)
})

await t.test('we were away', async (t) => {
  const remote = await startMosquitto(t)
  const bridge = bridgeTo(remote.mqttPort, { topics: [topic('in/#', 'in', 1)] })
  const first = await serve(t, { bridges: [bridge] })
  const state = await mosquittoSub(t, remote, '-t', '$SYS/broker/connection/#')
  await state.messages.nextWhere(({ payload }) => payload === '1')
  await first.bridges.close()
  await state.messages.nextWhere(({ payload }) => payload === '0')
  await mosquittoRun(t, 'mosquitto_pub', remote, ['-t', 'in/a', '-q', '1', '-l'], { input: INPUT })
  const here = await mosquittoSub(t, first, '-t', 'in/#', '-q', '1')
  first.bridges.reload([bridge])
  const payloads = (await here.nextN(MESSAGES.length)).map(({ payload }) => payload)
  t.same(payloads, MESSAGES)
})
