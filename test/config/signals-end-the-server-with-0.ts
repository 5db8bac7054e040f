// Do SIGTERM and SIGINT end the server in order, with exit code 0, whoever is connected and whatever is under way?
import { connect as openSocket } from 'node:net'
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  connectRaw,
  issueToken,
  lookup,
  send,
  startServerProcess,
} from '../support/index.ts'

await t.test('SIGINT with nobody there', async (t) => {
  const server = await startServerProcess(t)
  t.same(await server.kill('SIGINT'), { code: 0, signal: null })
})

await t.test('SIGTERM with everybody there', async (t) => {
  const server = await startServerProcess(t)
  const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
  const persistent = { clean: false, clientId: 'kept', properties: { sessionExpiryInterval: 3600 } }
  const device = await connectDevice(t, server, issued, { ...persistent, subscribe: true, manualAck: true })
  const old = await connectDevice(t, server, await issueToken(server, { app: 'chat', device: 'phone-2' }), {
    protocolVersion: 4,
    transport: 'ws',
  })
  const provider = await connectProvider(t, server)
  const silent = await connectRaw(t, server.mqttPort)
  // One connection without a request, one with half a head, one whose body never comes.
  for (const bytes of [
    '',
    'GET /heal',
    `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${server.providerKey}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
  ]) {
    const idle = openSocket({ port: server.httpPort, host: '127.0.0.1' })
    idle.on('error', () => undefined)
    await once(idle, 'connect')
    idle.write(bytes)
  }

  // One that reads nothing, with more for it than the network takes.
  const deaf = await issueToken(server, { app: 'chat', device: 'phone-3' })
  const deafClient = await connectRaw(t, server.mqttPort)
  await deafClient.connect({ token: deaf.token })
  await deafClient.subscribe(deaf.topics.private)
  deafClient.pause()
  for (let count = 0; count < 15; count++) await send(server, { token: deaf.tokenId }, 'x'.repeat(200_000))

  for (const text of ['one', 'two', 'three']) await send(server, { token: issued.tokenId }, text)
  const [one, two] = await device.nextN(3)
  device.ack(one!)
  device.ack(two!)
  await device.subscribe(issued.topics.private, { retainHandling: 2 })

  const waiting = await issueToken(server, { app: 'chat', device: 'phone-4' })
  const longPoll = lookup(server, waiting.token, { wait: 60 })
  // It waits now: what was asked later has been answered.
  await lookup(server, waiting.token)

  t.same(await server.kill('SIGTERM'), { code: 0, signal: null })
  await Promise.all([device, old, provider, silent].map(({ closed }) => closed))
  t.equal(device.disconnectPacket?.reasonCode, 0x8b, 'a device with MQTT 5 is told')
  t.equal(provider.disconnectPacket?.reasonCode, 0x8b, 'a provider with MQTT 5 is told')
  t.same((await longPoll).messages, [], 'a long poll is answered')

  await server.restart()
  const back = await connectDevice(t, server, issued, persistent)
  t.equal(back.connack.sessionPresent, true)
  const message = await back.next()
  t.same([message.text, message.dup], ['three', true], 'acknowledgements were written before the end')
})

await t.test('a second signal does not hurt', async (t) => {
  const server = await startServerProcess(t)
  const first = server.kill('SIGTERM')
  void server.kill('SIGTERM')
  const { code } = await first
  t.ok(code === 0 || code === null)
})
