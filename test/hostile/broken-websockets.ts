// What happens to a WebSocket that sends text, frames that are too large, broken frames, or MQTT in odd pieces?
import { once } from 'node:events'
import { connect as openSocket, type Socket } from 'node:net'
import { t } from '../support/tap.ts'
import { WebSocket } from 'ws'
import { connectBytes, issueToken, startServer, within, reset } from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'hostile' })
const url = `ws://127.0.0.1:${server.httpPort}/mqtt`

async function open(protocols: string | string[] = 'mqtt'): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false })
  t.teardown(() => socket.terminate())
  socket.on('error', () => undefined)
  await within('a WebSocket', once(socket, 'open'))
  return socket
}

async function codeOfClose(socket: WebSocket): Promise<number> {
  const [code] = await within('the close', once(socket, 'close'))
  return code as number
}

await t.test('text instead of bytes', async (t) => {
  const socket = await open()
  const closed = codeOfClose(socket)
  socket.send('hello')
  t.ok([1003, 1005, 1000].includes(await closed))
  await healthy.isServed(t)
})

await t.test('text after CONNECT', async (t) => {
  const socket = await open()
  socket.send(connectBytes({ token: issued.token }))
  await once(socket, 'message')
  const closed = codeOfClose(socket)
  socket.send('\u00c0\u0000')
  await closed
  await healthy.isServed(t)
})

await t.test('a frame of 4 MiB, which no packet can be', async (t) => {
  const socket = await open()
  socket.send(connectBytes({ token: issued.token }))
  await once(socket, 'message')
  const closed = codeOfClose(socket)
  socket.send(Buffer.alloc(4 * 1024 * 1024))
  t.equal(await closed, 1009)
  await healthy.isServed(t)
})

await t.test('subprotocols', async (t) => {
  t.equal((await open('mqtt')).protocol, 'mqtt')
  t.equal((await open(['chat', 'mqtt'])).protocol, 'mqtt')
})

await t.test('one packet in many frames, many packets in one frame, empty frames', async (t) => {
  const socket = await open()
  const bytes = connectBytes({ token: issued.token })
  for (const byte of bytes) {
    socket.send(Buffer.alloc(0))
    socket.send(Buffer.from([byte]))
  }
  const [connack] = (await once(socket, 'message')) as [Buffer]
  t.same([...connack], [0x20, 2, 0, 0])
  socket.send(Buffer.from([0xc0, 0, 0xc0, 0, 0xc0]))
  const answers: number[] = []
  socket.on('message', (data: Buffer) => answers.push(...data))
  socket.send(Buffer.from([0]))
  while (answers.length < 6) await once(socket, 'message')
  t.same(answers, [0xd0, 0, 0xd0, 0, 0xd0, 0])
})

await t.test('broken frames', async (t) => {
  for (const [what, frame] of Object.entries({
    'without a mask': [0x82, 0x02, 0xc0, 0x00],
    'with reserved bits': [0xf2, 0x80, 0, 0, 0, 0],
    'with an unknown opcode': [0x83, 0x80, 0, 0, 0, 0],
    'a continuation of nothing': [0x80, 0x80, 0, 0, 0, 0],
    'a ping that is too long': [0x89, 0xfe, 0x00, 0xff, 0, 0, 0, 0],
    'a length of 2^63': [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    'text that is no UTF-8': [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
  })) {
    const socket = await upgraded()
    socket.write(Buffer.from(frame))
    await within(`the close after a frame ${what}`, once(socket, 'close'))
    t.pass(what)
  }
  await healthy.isServed(t)
})

await t.test('a handshake that is cut, and a socket that vanishes', async (t) => {
  for (let count = 0; count < 20; count++) {
    const socket = await upgraded()
    if (count % 2 === 0) socket.write(Buffer.from([0x82, 0xfe]))
    reset(socket)
  }
  await healthy.isServed(t)
})

async function upgraded(): Promise<Socket> {
  const socket = openSocket({ port: server.httpPort, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  t.teardown(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(
    'GET /mqtt HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: mqtt\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!answer.toString().startsWith('HTTP/1.1 101')) throw new Error(answer.toString())
  socket.resume()
  return socket
}
