// Do messages that a provider publishes over MQTT, in every version and with every QoS, reach their devices once?
import { t } from '../support/tap.ts'
import {
  barrier,
  connectDevice,
  connectProvider,
  issueToken,
  mosquittoPub,
  type Scope,
  startServer,
  WAYS,
} from '../support/index.ts'

const server = await startServer(t)
const QOS = [0, 1, 2] as const

async function subscribedDevice(t: Scope, app: string) {
  const issued = await issueToken(server, { app, device: 'phone', account: 'ada', version: '2.1.0' })
  const device = await connectDevice(t, server, issued)
  await device.subscribe([issued.topics.private, issued.topics.broadcast!])
  return { issued, device }
}

for (const { protocolVersion, transport } of WAYS) {
  await t.test(`MQTT.js with protocol ${protocolVersion} over ${transport}`, async (t) => {
    const app = `shop-${protocolVersion}-${transport}`
    const { issued, device } = await subscribedDevice(t, app)
    const provider = await connectProvider(t, server, { protocolVersion, transport })
    for (const qos of QOS) {
      await provider.publish(issued.topics.private, `private ${qos}`, { qos })
      t.match(await device.next(), { text: `private ${qos}`, topic: issued.topics.private, qos: 1, retain: false })
      await provider.publish(issued.topics.broadcast!, `broadcast ${qos}`, { qos })
      t.match(await device.next(), { text: `broadcast ${qos}`, topic: issued.topics.broadcast!, qos: 1 })
    }
    t.same(await barrier(server, device), [])
    t.same(await barrier(server, device, { app, version: '2.1.0' }), [])
  })
}

for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
  await t.test(`mosquitto_pub ${version}`, async (t) => {
    const app = `shop-${version}`
    const { issued, device } = await subscribedDevice(t, app)
    const credentials = ['-V', version, '-u', 'provider', '-P', server.providerKey]
    for (const qos of QOS) {
      for (const topic of [issued.topics.private, issued.topics.broadcast!]) {
        await mosquittoPub(t, server, ...credentials, '-q', String(qos), '-t', topic, '-m', `${topic} ${qos}`)
        t.match(await device.next(), { text: `${topic} ${qos}`, topic, qos: 1, retain: false })
      }
    }
    t.same(await barrier(server, device), [])
    t.same(await barrier(server, device, { app, version: '2.1.0' }), [])
  })
}
