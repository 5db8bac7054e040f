// Do MQTT, WebSocket and the HTTP API work over TLS, at 1.2 and above only, and also where nothing else is served?
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { t } from '../support/tap.ts'
import { eventually, issueToken, metric, send, type ServerProcess } from '../support/index.ts'
import { authority } from './support/certificates.ts'
import { connectSecure, ended, openSecure, portFor, startTls } from './support/server.ts'

const signer = authority(t)
const files = signer.issue('push')
const server = await startTls(t, files, { PUSH_CONNECT_TIMEOUT: '1' })

/** Status of a GET over HTTPS. */
function statusOf(target: ServerProcess, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: portFor(target, 'https'), path, ca: signer.ca, agent: false }
    httpsRequest(options, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end()
  })
}

await t.test('every transport', async (t) => {
  t.match(server.output.at(-1), /^ready mqtt=\d+ http=\d+ mqtts=\d+ https=\d+$/)
  const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
  for (const transport of ['mqtts', 'wss'] as const) {
    const device = await connectSecure(t, server, issued, signer, { transport })
    await send(server, { token: issued.token }, 'x'.repeat(200_000))
    t.equal((await device.next()).payload.length, 200_000, transport)
    await device.end()
  }
  t.equal(await statusOf(server, '/readyz'), 200)
  t.equal(await statusOf(server, '/nothing'), 404)
})

await t.test('TLS 1.1 is refused and counted', async (t) => {
  const socket = openSecure(t, portFor(server, 'mqtts'), { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' })
  await ended(socket)
  t.equal(socket.authorized, false)
  // A client of 1.1 that is built without it may say nothing at all; one that speaks no TLS surely does.
  const plain = connect(portFor(server, 'https'), '127.0.0.1')
  plain.on('error', () => undefined)
  plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await ended(plain)
  await eventually(
    'the count',
    async () => (await metric(server, 'push_disconnects_total', 'code="TLS_HANDSHAKE_FAILED"')) > 0,
  )
})

await t.test('a handshake that does not finish is closed after the connect timeout', async (t) => {
  for (const name of ['mqtts', 'https'] as const) {
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])]) {
      const before = await metric(server, 'push_disconnects_total', 'code="CONNECT_TIMEOUT"')
      const socket = connect(portFor(server, name), '127.0.0.1')
      t.teardown(() => void socket.destroy())
      socket.on('error', () => undefined).resume()
      if (bytes.length > 0) socket.write(bytes)
      await ended(socket)
      t.equal(await metric(server, 'push_disconnects_total', 'code="CONNECT_TIMEOUT"'), before + 1)
    }
  }
  t.ok(await server.waitForLog(/"address":"127\.0\.0\.1".*CONNECT_TIMEOUT/))
})

await t.test('TLS only', async (t) => {
  const only = await startTls(t, files, { PUSH_MQTT_PORT: 'off', PUSH_HTTP_PORT: 'off' })
  t.match(only.output.at(-1), /^ready mqtts=\d+ https=\d+$/)
  t.equal(await statusOf(only, '/readyz'), 200)
  const raw = openSecure(t, portFor(only, 'mqtts'), { ca: signer.ca })
  raw.write(Buffer.from([0xc0, 0x00]))
  await ended(raw)
  t.equal(await only.stop(), 0)
})
