// Do messages, retained ones too, go both ways between us and a Mosquitto, with their topics renamed, and none come back?
import { mosquittoPub, mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

for (const protocolVersion of ['mqttv31', 'mqttv311', 'mqttv50'] as const) {
  await t.test(protocolVersion, async (t) => {
    const remote = await startMosquitto(t)
    const bridge = bridgeTo(remote.mqttPort, {
      protocolVersion,
      topics: [topic('#', 'both', 2, 'far/', 'near/'), topic('plain/#', 'both', 1)],
    })
    const local = await serve(t, { bridges: [bridge] })
    const here = await mosquittoSub(t, local, '-t', '#', '-t', '$SYS/broker/connection/#', '-q', '2')
    const there = await mosquittoSub(t, remote, '-t', '#', '-t', '$SYS/broker/connection/#', '-q', '2')
    const state = '$SYS/broker/connection/here.sample/state'
    await here.messages.nextWhere(({ topic, payload }) => topic === state && payload === '1')
    await there.messages.nextWhere(({ topic, payload }) => topic === state && payload === '1')
    // Who subscribes while it is published hears of it as it comes, and once more as what is retained.
    const next = ({ messages }: typeof here) => messages.nextWhere((each) => each.topic !== state)
    for (const qos of [0, 1, 2]) {
      await mosquittoPub(t, local, '-t', 'far/out', '-q', `${qos}`, '-m', `out ${qos}`)
      t.match(await next(here), { topic: 'far/out', payload: `out ${qos}`, qos })
      t.match(await next(there), { topic: 'near/out', payload: `out ${qos}`, qos })
      await mosquittoPub(t, remote, '-t', 'near/in', '-q', `${qos}`, '-m', `in ${qos}`)
      t.match(await next(there), { topic: 'near/in', payload: `in ${qos}`, qos })
      t.match(await next(here), { topic: 'far/in', payload: `in ${qos}`, qos })
    }
    await mosquittoPub(t, local, '-t', 'plain/kept', '-q', '1', '-r', '-m', 'kept')
    await there.messages.nextWhere(({ topic }) => topic === 'plain/kept')
    const later = await mosquittoSub(t, remote, '-t', 'plain/#')
    t.match(await later.next(), { topic: 'plain/kept', payload: 'kept', retain: 1 })
    await local.close()
    const away = await there.messages.nextWhere(({ topic }) => topic === state)
    t.equal(away.payload, '0', 'it is told that the bridge is away')
    const [...all] = there.messages.received.filter(({ payload }) => /^(in|out) /.test(payload))
    t.equal(all.length, 6, 'none came back')
  })
}
