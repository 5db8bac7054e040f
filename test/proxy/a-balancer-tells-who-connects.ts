// With PROXY protocol v2, is the client's address what logs and limits use, on every listener and however it is split?
import { connect, type Socket } from 'node:net'
import { connect as openTls } from 'node:tls'
import { t } from '../support/tap.ts'
import { connectBytes, issueToken, metric, startServer, within } from '../support/index.ts'
import { authority } from '../tls/support/certificates.ts'
import { ended } from '../tls/support/server.ts'
import { LOCAL, proxyHeader, proxyHeader6, throughBalancer } from './support/balancer.ts'

const signer = authority(t)
const files = signer.issue('push')
const server = await startServer(t, {
  settings: {
    PUSH_MQTTS_PORT: '0',
    PUSH_HTTPS_PORT: '0',
    PUSH_TLS_CERT: files.cert,
    PUSH_TLS_KEY: files.key,
    PUSH_PROXY_PROTOCOL: 'v2',
    PUSH_PROXY_TRUSTED: '10.0.0.0/8,127.0.0.1',
    PUSH_CONNECT_TIMEOUT: '1',
    PUSH_MAX_CONNECTIONS_PER_ADDRESS: '2',
  },
})
// The harness speaks no PROXY protocol: a small balancer in front does.
const plain = await throughBalancer(t, server.httpPort, () => LOCAL)
const target = { httpPort: plain, mqttPort: server.mqttPort, providerKey: server.providerKey }
const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
const refusals = (code: string) => metric(target, 'push_disconnects_total', `code="${code}"`)

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => void socket.destroy())
  return socket
}

const firstBytes = (socket: Socket) =>
  within('an answer', new Promise<Buffer>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk))))

await t.test('MQTT, byte by byte and all at once', async (t) => {
  const whole = Buffer.concat([proxyHeader('203.0.113.7'), connectBytes({ token: issued.token })])
  for (const step of [whole.length, 1, 7, 20]) {
    const socket = open(server.mqttPort).setNoDelay()
    for (let at = 0; at < whole.length; at += step) {
      socket.write(whole.subarray(at, at + step))
      // Another turn, so that it is another segment.
      if (step < whole.length && at < 80) await new Promise(setImmediate)
    }
    t.equal((await firstBytes(socket))[0], 0x20, `CONNACK, in steps of ${step}`)
    socket.destroy()
    await ended(socket)
  }
})

await t.test('a refused CONNECT is logged with the address of the client', async (t) => {
  for (const [header, address] of [
    [proxyHeader('203.0.113.8'), '203.0.113.8'],
    [proxyHeader6('2001:db8::17'), '2001:db8::17'],
    [proxyHeader6('::ffff:203.0.113.9'), '203.0.113.9'],
    [LOCAL, '127.0.0.1'],
  ] as const) {
    const socket = open(server.mqttPort)
    socket.write(Buffer.concat([header, connectBytes({ token: 'x.y.z' })]))
    await ended(socket.resume())
    t.ok(await server.waitForLog(new RegExp(`"address":"${address}".*CONNECT refused`)))
  }
})

await t.test('HTTP with the header and the request in pieces', async (t) => {
  const request = Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const whole = Buffer.concat([proxyHeader('203.0.113.7'), request])
  for (const at of [5, 16, 28, 40, whole.length]) {
    const socket = open(server.httpPort).setNoDelay()
    socket.write(whole.subarray(0, at))
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (at < whole.length) socket.write(whole.subarray(at))
    t.match((await firstBytes(socket)).toString(), /^HTTP\/1\.1 200/, `cut at ${at}`)
    socket.destroy()
  }
})

await t.test('TLS under it', async (t) => {
  for (const [port, bytes, answer] of [
    [server.ports.mqtts ?? 0, connectBytes({ token: issued.token }), /^\x20/],
    [server.ports.https ?? 0, 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 200/],
  ] as const) {
    const socket = open(port)
    socket.write(proxyHeader('203.0.113.20'))
    const secure = openTls({ socket, ca: signer.ca, host: '127.0.0.1' })
    secure.write(bytes)
    t.match((await firstBytes(secure)).toString('latin1'), answer)
    secure.destroy()
    await ended(socket)
  }
  const socket = open(server.ports.mqtts ?? 0)
  socket.write(Buffer.concat([proxyHeader('203.0.113.21'), Buffer.from('no TLS at all')]))
  await ended(socket.resume())
  t.ok(await server.waitForLog(/"address":"203\.0\.113\.21".*TLS_HANDSHAKE_FAILED/))
})

await t.test('connections are counted by the address behind the balancer', async (t) => {
  const connectFrom = async (address: string) => {
    const another = await issueToken(target, { app: 'chat', device: `phone-${Math.random()}` })
    const socket = open(server.mqttPort)
    const closed = ended(socket).then(() => 'closed')
    socket.write(Buffer.concat([proxyHeader(address), connectBytes({ token: another.token })]))
    return await Promise.race([firstBytes(socket).then(() => 'served'), closed])
  }
  t.equal(await connectFrom('198.51.100.1'), 'served')
  t.equal(await connectFrom('198.51.100.1'), 'served')
  t.equal(await connectFrom('198.51.100.1'), 'closed', 'the third from one address')
  t.equal(await connectFrom('198.51.100.2'), 'served', 'another address')
  t.equal(await refusals('ADDRESS_CONNECTIONS_LIMIT'), 1)
})

await t.test('what is no header of version 2', async (t) => {
  const long = Buffer.concat([proxyHeader('203.0.113.7').subarray(0, 14), Buffer.from([0xff, 0xff])])
  const odd = proxyHeader('203.0.113.7')
  odd[12] = 0x31
  const cut = Buffer.concat([proxyHeader('203.0.113.7').subarray(0, 14), Buffer.from([0, 4, 1, 2, 3, 4])])
  const wrong = {
    'version 1': Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 1234 1883\r\n'),
    'no header': connectBytes({ token: issued.token }),
    'a version of the future': odd,
    'a length of 64 KiB': long,
    'addresses that are cut': cut,
  }
  for (const port of [server.mqttPort, server.httpPort, server.ports.mqtts ?? 0, server.ports.https ?? 0]) {
    for (const [what, bytes] of Object.entries(wrong)) {
      const before = await refusals('PROXY_HEADER_INVALID')
      const socket = open(port)
      socket.write(bytes)
      await ended(socket.resume())
      t.equal(await refusals('PROXY_HEADER_INVALID'), before + 1, what)
    }
  }
  t.ok(await server.waitForLog(/PROXY_HEADER_INVALID.*version 1, and only version 2/))
})

await t.test('a header that does not come, or only half of it', async (t) => {
  for (const bytes of [Buffer.alloc(0), proxyHeader('203.0.113.7').subarray(0, 20)]) {
    const before = await refusals('CONNECT_TIMEOUT')
    const socket = open(server.mqttPort)
    if (bytes.length > 0) socket.write(bytes)
    await ended(socket.resume())
    t.equal(await refusals('CONNECT_TIMEOUT'), before + 1)
  }
})

await t.test('somebody who is no balancer', async (t) => {
  await server.restart({ PUSH_PROXY_TRUSTED: '10.0.0.0/8' })
  for (const port of [server.mqttPort, server.httpPort]) {
    const socket = open(port)
    socket.write(proxyHeader('203.0.113.7'))
    await ended(socket.resume())
  }
  t.ok(await server.waitForLog(/"address":"127\.0\.0\.1","code":"PROXY_UNTRUSTED"/))
  t.equal(await server.stop(), 0)
})
