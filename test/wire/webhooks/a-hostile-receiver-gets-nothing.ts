// Is a receiver that redirects, never ends, sends too much or speaks no HTTP given up, in time and without harm?
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { t } from '../../support/tap.ts'
import { makeSender } from './support/sending.ts'
import { startReceiver } from './support/receiver.ts'

/** A server that does this with whoever connects. */
async function raw(t: Tap, serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`
}
type Tap = typeof t

await t.test('a redirect is not followed, wherever it leads', async (t) => {
  const receiver = await startReceiver(t)
  const inner = await startReceiver(t)
  const send = makeSender(t)
  for (const status of [301, 302, 303, 307, 308]) {
    receiver.answer = (response) => response.writeHead(status, { location: inner.url }).end()
    t.match(await send(receiver.url), { kind: 'failed', failure: 'redirect', status })
  }
  t.equal(inner.received.length, 0)
})

await t.test('a proxy of the environment is not asked', async (t) => {
  const receiver = await startReceiver(t)
  const proxy = await startReceiver(t)
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'] as const
  const before = names.map((name) => process.env[name])
  for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.url
  t.teardown(() => {
    for (const [at, name] of names.entries())
      if (before[at] === undefined) delete process.env[name]
      else process.env[name] = before[at]
  })
  t.match(await makeSender(t)(receiver.url), { kind: 'delivered' })
  t.equal(proxy.received.length, 0)
})

await t.test('answers', async (t) => {
  const receiver = await startReceiver(t)
  const send = makeSender(t)
  for (const [status, outcome] of [
    [200, { kind: 'delivered' }],
    [299, { kind: 'delivered' }],
    [410, { kind: 'gone' }],
    [400, { kind: 'failed', failure: 'status' }],
    [404, { kind: 'failed', failure: 'status' }],
    [500, { kind: 'failed', failure: 'status' }],
  ] as const) {
    receiver.answer = status
    t.match(await send(receiver.url), { ...outcome, status })
  }
  receiver.answer = (response) => response.writeHead(503, { 'retry-after': '7200' }).end()
  t.match(await send(receiver.url), { kind: 'failed', retryAfterMs: 7_200_000 })
})

await t.test('an answer without end is read to 64 KiB', async (t) => {
  let written = 0
  const url = await raw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    const more = () => {
      while (!socket.destroyed && socket.write(chunk)) written += 65_536
    }
    socket.on('drain', more)
    more()
  })
  t.match(await makeSender(t)(url), { kind: 'delivered', status: 200 })
  t.ok(written < 16 * 1024 * 1024, `${written} bytes at most were taken`)
})

await t.test('what never ends is given up when the time is up', async (t) => {
  const options = { timeoutMs: 300 }
  t.match(await makeSender(t, options)(await raw(t, () => undefined)), { failure: 'timeout' }, 'no answer')
  const informational = await raw(t, (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  t.match(await makeSender(t, options)(informational), { failure: 'timeout' }, 'always another 102')
  const headers = await raw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const timer = setInterval(() => socket.write('x: y\r\n'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  t.match(await makeSender(t, options)(headers), { kind: 'failed' }, 'always another header')
  const drip = await raw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n')
    const timer = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  t.match(await makeSender(t, options)(drip), { kind: 'delivered' }, 'it has taken it')
})

await t.test('what is no HTTP is a failure like any other', async (t) => {
  for (const answer of [
    'SSH-2.0-OpenSSH_9.0\r\n',
    '-ERR unknown command\r\n',
    `HTTP/1.1 200 OK\r\n${'x'.repeat(40_000)}: y\r\n\r\n`,
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  ]) {
    const url = await raw(t, (socket) => socket.end(answer))
    t.match(await makeSender(t)(url), { kind: 'failed' }, answer.slice(0, 30))
  }
  t.match(await makeSender(t)(await raw(t, (socket) => socket.destroy())), { failure: 'connection' })
})

await t.test('who ends is waited for no longer', async (t) => {
  const gone = new AbortController()
  const url = await raw(t, (socket) => socket.once('data', () => gone.abort()))
  t.match(await makeSender(t)(url, gone.signal), { failure: 'aborted' })
  t.match(await makeSender(t)(url, AbortSignal.abort()), { failure: 'aborted' })
})
