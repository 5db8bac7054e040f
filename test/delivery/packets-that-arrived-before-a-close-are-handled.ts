// A peer writes several packets at once and closes, or resets: does each count, and is the will decided after the last?
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as openSocket, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { connect as openTls, createServer as createTlsServer } from 'node:tls'
import { generate, type Packet } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { createWebSocketStream, WebSocket } from 'ws'
import { embed } from '../plugin/support/embed.ts'
import {
  connectBytes,
  type ConnectFields,
  connectProvider,
  connectRaw,
  eventually,
  issueToken,
  lookup,
  mosquittoRun,
  send,
} from '../support/index.ts'
import { authority } from '../tls/support/certificates.ts'

const server = await embed(t)
const provider = { username: 'provider', password: Buffer.from(server.providerKey) }
const upstream = await connectProvider(t, server)
await upstream.subscribe('chat/u/#')

const bytes = (packet: Packet) => generate(packet, { protocolVersion: 4 })
const publish = (topic: string, payload: string, messageId: number) =>
  bytes({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false })
const DISCONNECT = bytes({ cmd: 'disconnect' })

/** CONNECT, packets and DISCONNECT in one write, and the end. */
const session = (fields: ConnectFields, ...packets: Buffer[]) =>
  Buffer.concat([connectBytes(fields), ...packets, DISCONNECT])

const files = authority(t).issue('server')
const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)]
const secure = createTlsServer({ key, cert }, (socket) => server.push.handle(socket))
secure.listen(0, '127.0.0.1')
await once(secure, 'listening')
t.teardown(() => secure.close())

const transports: Record<string, () => Promise<Duplex>> = {
  tcp: async () => openSocket(server.mqttPort, '127.0.0.1'),
  tls: async () => {
    const { port } = secure.address() as { port: number }
    const socket = openTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return socket
  },
  ws: async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/mqtt`, 'mqtt')
    await once(socket, 'open')
    return createWebSocketStream(socket)
  },
  'a stream of the embedder': async () => {
    const [there, back] = [new PassThrough(), new PassThrough()]
    server.push.handle(Duplex.from({ readable: there, writable: back }))
    return Duplex.from({ readable: back, writable: there })
  },
}

for (const [name, open] of Object.entries(transports)) {
  await t.test(`CONNECT, PUBLISH and DISCONNECT in one write over ${name}`, async (t) => {
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: name })
    const topic = `chat/u/${tokenId}/x`
    const will = { topic: `chat/u/${tokenId}/will`, payload: Buffer.from('will'), qos: 1 as const, retain: false }
    const device = await open()
    device.on('error', () => undefined).resume()
    device.end(session({ token, will }, publish(topic, 'one', 1), publish(topic, 'two', 2)))
    t.same([(await upstream.next()).text, (await upstream.next()).text], ['one', 'two'])

    const backend = await open()
    backend.on('error', () => undefined).resume()
    backend.end(session(provider, publish(`chat/t/${tokenId}`, 'from the provider', 1)))
    await eventually('the message', async () => {
      const { messages } = await lookup(server, token)
      return messages.length === 1
    })
  })
}

await t.test('the will of who goes without DISCONNECT comes after the last message', async (t) => {
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'mortal' })
  const topic = `chat/u/${tokenId}/x`
  const will = { topic: `chat/u/${tokenId}/will`, payload: Buffer.from('will'), qos: 1 as const, retain: false }
  const socket = openSocket(server.mqttPort, '127.0.0.1')
  socket.end(Buffer.concat([connectBytes({ token, will }), publish(topic, 'last', 1)]))
  t.same([(await upstream.next()).text, (await upstream.next()).text], ['last', 'will'])
})

await t.test('what was read before a reset counts', async (t) => {
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'reset' })
  const serving = once(server.listener, 'connection') as Promise<Socket[]>
  const raw = await connectRaw(t, server.mqttPort)
  await raw.connect({ token })
  const [socket] = await serving
  const before = socket?.bytesRead ?? 0
  const texts = Array.from({ length: 20 }, (_, index) => `before the reset ${index}`)
  const packets = Buffer.concat(texts.map((text, index) => publish(`chat/u/${tokenId}/x`, text, index + 1)))
  raw.sendBytes(packets)
  socket?.once('data', () => void raw.reset())
  await eventually('all of it', () => socket?.bytesRead === before + packets.length)
  t.same(
    (await upstream.nextN(20)).map(({ text }) => text),
    texts,
  )
})

await t.test('a message is acknowledged in the same write as SUBSCRIBE and DISCONNECT', async (t) => {
  const { token, tokenId, topics } = await issueToken(server, { app: 'chat', device: 'one by one' })
  const kept = { token, clean: false }
  const first = await connectRaw(t, server.mqttPort)
  await first.connect(kept)
  await first.subscribe(topics.private)
  await send(server, { token: tokenId }, 'once')
  await first.next('publish')
  await first.end()
  const second = await connectRaw(t, server.mqttPort)
  await second.connect(kept)
  const again = await second.next('publish')
  t.equal(again.dup, true)
  second.socket.end(
    Buffer.concat([
      bytes({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: topics.private, qos: 1 }] }),
      bytes({ cmd: 'puback', messageId: again.messageId ?? 0 }),
      DISCONNECT,
    ]),
  )
  // It comes back at once, while its last packets are handled.
  const third = await connectRaw(t, server.mqttPort)
  await third.connect(kept)
  t.same((await lookup(server, token)).messages, [])
  await third.end()

  const credentials = ['-u', 'device', '-P', token, '-i', 'loop']
  const one = ['-c', '-q', '1', '-C', '1', '-t', topics.private]
  for (const text of ['a', 'b', 'c']) await send(server, { token: tokenId }, text)
  const said = []
  while (said.length < 3) said.push((await mosquittoRun(t, 'mosquitto_sub', server, [...credentials, ...one])).trim())
  t.same(said, ['a', 'b', 'c'])
})
