// Do mosquitto_rr, 8,192 retained messages to one subscriber and 20,000 of QoS 0 from `mosquitto_pub -l` all arrive?
import { connectAsync } from 'mqtt'
import { mosquittoRun, mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { serve } from '../bridges/support/serve.ts'

await t.test('a request and its response', async (t) => {
  const server = await serve(t)
  const answerer = await connectAsync({ host: '127.0.0.1', port: server.mqttPort, protocolVersion: 5 })
  t.teardown(() => answerer.endAsync(true))
  await answerer.subscribeAsync('ask', { qos: 1 })
  answerer.on('message', (_topic, payload, { properties }) => {
    const { responseTopic = '', correlationData } = properties ?? {}
    const answer = correlationData === undefined ? {} : { properties: { correlationData } }
    answerer.publish(responseTopic, `answer to ${payload.toString()}`, { qos: 1, ...answer })
  })
  const args = ['-t', 'ask', '-e', 'answers/rr', '-m', 'question', '-W', '20']
  t.equal((await mosquittoRun(t, 'mosquitto_rr', server, ['-V', '5', ...args])).trim(), 'answer to question')
})

await t.test('8,192 retained discovery messages', async (t) => {
  const server = await serve(t)
  const publisher = await connectAsync({ host: '127.0.0.1', port: server.mqttPort })
  t.teardown(() => publisher.endAsync(true))
  const topics = Array.from({ length: 8_192 }, (_, at) => `homeassistant/sensor/s${at}/config`)
  const config = JSON.stringify({ name: 'x'.repeat(200) })
  await Promise.all(topics.map((topic) => publisher.publishAsync(topic, config, { qos: 1, retain: true })))
  for (const qos of ['0', '1']) {
    const args = ['-t', 'homeassistant/#', '-q', qos, '-C', '8192', '-F', '%t %r', '-W', '100']
    const found = (await mosquittoRun(t, 'mosquitto_sub', server, args)).trim().split('\n')
    t.same(new Set(found), new Set(topics.map((topic) => `${topic} 1`)), `QoS ${qos}`)
  }
})

await t.test('20,000 messages of QoS 0', async (t) => {
  const server = await serve(t)
  const sub = await mosquittoSub(t, server, '-t', 'many')
  const lines = Array.from({ length: 20_000 }, (_, at) => `${at}`)
  await mosquittoRun(t, 'mosquitto_pub', server, ['-t', 'many', '-l'], { input: `${lines.join('\n')}\n` })
  const arrived = await sub.nextN(20_000)
  t.same(
    arrived.map(({ payload }) => payload),
    lines,
  )
})
