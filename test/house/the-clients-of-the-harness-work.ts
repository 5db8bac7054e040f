// Do the harness's MQTT.js device, raw client and mosquitto clients tell truly what a broker sent them?
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'
import { t } from '../support/tap.ts'
import { connect, connectRaw, mosquittoPub, mosquittoSub } from '../support/index.ts'

const broker = await Aedes.createBroker()
broker.authorizeSubscribe = (_client, subscription, done) =>
  done(null, subscription.topic === 'forbidden' ? null : subscription)
const listener = createServer((socket) => broker.handle(socket))
listener.listen(0, '127.0.0.1')
await once(listener, 'listening')
const { port } = listener.address() as AddressInfo
const target = { mqttPort: port, httpPort: 0 }
t.teardown(async () => {
  listener.close()
  await new Promise<void>((resolve) => broker.close(() => resolve()))
})

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`MQTT.js with protocol ${protocolVersion}`, async (t) => {
    const device = await connect(t, target, {}, { protocolVersion, manualAck: true })
    const codes = await device.subscribe(['news', 'forbidden'])
    t.equal(codes[0], 1)
    if (protocolVersion !== 3) t.ok(codes[1]! >= 0x80, 'a refusal is a code of the SUBACK')
    await mosquittoPub(t, target, '-t', 'news', '-q', '1', '-m', 'one')
    await mosquittoPub(t, target, '-t', 'news', '-q', '1', '-m', 'two')
    const [one, two] = await device.nextN(2)
    t.equal(one!.text, 'one')
    t.equal(two!.text, 'two', 'the second comes while the first is not acknowledged')
    t.not(one!.packetId, two!.packetId)
    const acknowledged = once(broker, 'ack')
    device.ack(one!)
    await acknowledged
    await device.publish('elsewhere', 'x')
    await device.reset()
    await t.rejects(device.next(), /closed/)
  })

  await t.test(`the raw client with protocol ${protocolVersion}`, async (t) => {
    const raw = await connectRaw(t, port, { protocolVersion })
    t.match(await raw.connect(), { cmd: 'connack', sessionPresent: false })
    t.same((await raw.subscribe('news')).granted, [1])
    await mosquittoPub(t, target, '-t', 'news', '-q', '1', '-m', 'one')
    const message = await raw.next('publish')
    t.equal(String(message.payload), 'one')
    raw.puback(message)
    await raw.ping()
    raw.sendBytes(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))
    await raw.closed
  })
}

for (const version of ['mqttv311', 'mqttv5']) {
  await t.test(`mosquitto_sub with ${version}`, async (t) => {
    const sub = await mosquittoSub(t, target, '-V', version, '-q', '1', '-t', 'news')
    await mosquittoPub(t, target, '-t', 'news', '-q', '1', '-m', 'a line\nand "another"')
    t.match(await sub.next(), { topic: 'news', qos: 1, retain: 0, payload: 'a line\nand "another"' })
    await sub.stop()
    await t.rejects(mosquittoSub(t, target, '-V', version, '-t', 'forbidden'), /denied/)
  })
}
