// Does the proxy cut, refuse, freeze, delay, throttle and heal as its words say?
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { ArrivalQueue, eventually, faultProxy, within } from '../support/index.ts'

/** An echo server that can be looked at. */
async function echoServer(t: Test) {
  const sockets: Socket[] = []
  const ends: string[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''))
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sockets, ends }
}

async function dial(t: Test, port: number) {
  const socket = connect(port, '127.0.0.1')
  const data = new ArrivalQueue<string>('an echo')
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.once('close', () => resolve('FIN'))
  })
  socket.on('data', (chunk) => data.push(String(chunk)))
  t.teardown(() => socket.destroy())
  const connected = new Promise<void>((resolve) => socket.once('connect', resolve))
  // A reset may come before the connection is known to be open.
  await Promise.race([connected, ended])
  return { socket, data, end: within('the end of a connection', ended) }
}

t.test('cut resets both ends, and new connections work', async (t) => {
  const server = await echoServer(t)
  const proxy = await faultProxy(t, server.port)
  const first = await dial(t, proxy.port)
  first.socket.write('hello')
  t.equal(await first.data.next(), 'hello')
  t.equal(proxy.connections, 1)
  proxy.cut()
  t.equal(await first.end, 'ECONNRESET')
  await eventually('the reset of the server side', () => server.ends.includes('ECONNRESET'))
  const second = await dial(t, proxy.port)
  second.socket.write('again')
  t.equal(await second.data.next(), 'again')
})

t.test('refuse resets new connections until heal', async (t) => {
  const server = await echoServer(t)
  const proxy = await faultProxy(t, server.port)
  proxy.refuse()
  t.equal(await (await dial(t, proxy.port)).end, 'ECONNRESET')
  t.equal(server.sockets.length, 0)
  proxy.heal()
  const healed = await dial(t, proxy.port)
  healed.socket.write('back')
  t.equal(await healed.data.next(), 'back')
})

t.test('freeze holds one direction, and heal lets everything through', async (t) => {
  const server = await echoServer(t)
  const proxy = await faultProxy(t, server.port)
  const client = await dial(t, proxy.port)
  client.socket.write('one ')
  await client.data.next()
  proxy.freeze('down')
  client.socket.write('two')
  await eventually('the server has it', () => server.sockets[0]!.bytesRead === 7)
  t.equal(proxy.bytes.down, 4, 'the answer is held')
  proxy.heal()
  t.equal(await client.data.next(), 'two')

  proxy.freeze('up')
  const flood = Buffer.alloc(32 * 1024 * 1024)
  t.equal(client.socket.write(flood), false)
  t.equal(server.sockets[0]!.bytesRead, 7, 'nothing passes')
  t.ok(client.socket.writableLength > 0, 'the sender feels it')
  proxy.heal()
  await eventually('all of it', () => server.sockets[0]!.bytesRead === 7 + flood.length)
})

t.test('a slow network loses nothing and keeps the order', async (t) => {
  const server = await echoServer(t)
  const proxy = await faultProxy(t, server.port)
  const client = await dial(t, proxy.port)
  proxy.delay(20)
  proxy.throttle(2_000_000)
  const sent = Array.from({ length: 20_000 }, (_, index) => String(index)).join(',')
  client.socket.end(sent)
  t.equal(await client.end, 'FIN')
  t.equal(client.data.received.join(''), sent)
  t.equal(proxy.bytes.up, sent.length)
  t.equal(proxy.bytes.down, sent.length)
})

t.test('a server that is gone resets the client', async (t) => {
  const server = await echoServer(t)
  const proxy = await faultProxy(t, server.port)
  proxy.retarget(1)
  t.equal(await (await dial(t, proxy.port)).end, 'ECONNRESET')
})
