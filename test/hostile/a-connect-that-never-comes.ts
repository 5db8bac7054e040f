// Is a connection closed and counted that sends no CONNECT, half of one, or one byte now and then?
import { connect as openSocket } from 'node:net'
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { connectBytes, eventually, metric, reset, startServer, within } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { openWire } from './support/wire.ts'

const server = await startServer(t, { settings: { PUSH_CONNECT_TIMEOUT: '1' } })
const healthy = await bystander(t, server)
const timeouts = () => metric(server, 'push_disconnects_total', 'code="CONNECT_TIMEOUT"')
const half = connectBytes({ token: 'x'.repeat(40) }).subarray(0, 20)

for (const transport of ['tcp', 'ws'] as const) {
  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['one byte', half.subarray(0, 1)],
    ['half a CONNECT', half],
  ] as const) {
    await t.test(`${what} over ${transport}`, async (t) => {
      const before = await timeouts()
      const wire = await openWire(t, server, transport, 5)
      if (bytes.length > 0) wire.send(bytes)
      t.same(await wire.rest(), [], 'closed without a word')
      t.equal(await timeouts(), before + 1, 'and counted')
    })
  }
}

await t.test('a byte again and again does not win time', async (t) => {
  const wire = await openWire(t, server, 'tcp', 4)
  let sent = 0
  const bytes = connectBytes({ token: 'x'.repeat(20_000) })
  const drip = setInterval(() => wire.send(bytes.subarray(sent, ++sent)), 20)
  t.teardown(() => clearInterval(drip))
  t.same(await wire.rest(), [])
  t.ok(sent < bytes.length)
})

await t.test('two hundred at once, of which some vanish', async (t) => {
  const before = await timeouts()
  const sockets = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const socket = openSocket({ port: server.mqttPort, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.resume()
      t.teardown(() => void socket.destroy())
      await once(socket, 'connect')
      return socket
    }),
  )
  const vanishing = sockets.filter((_, index) => index % 4 === 0)
  const staying = sockets.filter((_, index) => index % 4 !== 0)
  for (const socket of vanishing) reset(socket)
  await healthy.isServed(t)
  await within(
    'the close of all of them',
    Promise.all(staying.filter((socket) => !socket.closed).map((socket) => once(socket, 'close'))),
  )
  await eventually('all of them counted', async () => (await timeouts()) >= before + staying.length)
  t.ok((await timeouts()) <= before + sockets.length)
})

await t.test('the others', (t) => healthy.isServed(t, 'the connection that did say CONNECT stays'))
