// Does a listener with `protocol websockets` end who asks for nothing in time, and count everybody from the beginning?
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { t } from '../../support/tap.ts'
import { eventually, type Scope } from '../../support/index.ts'
import { type Served, serveText } from './support/serve.ts'

const TEXT = 'listener PORT1 127.0.0.1\nprotocol websockets\nallow_anonymous true\n'
const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Protocol: mqtt',
]

await t.test('who asks for nothing, or never ends asking, is ended', async (t) => {
  const served = await serveText(t, TEXT, {}, { PUSH_CONNECT_TIMEOUT: '1' })
  const [silent, half] = [await reach(t, served), await reach(t, served)]
  half.write('GET / HTTP/1.1\r\nHost: ')
  await Promise.all([once(silent, 'end'), once(half, 'end')])
  t.pass('both are over')
  await served.close()
})

await t.test('a page of another origin is refused, and its connection ends though the page keeps it', async (t) => {
  const served = await serveText(t, `${TEXT}websockets_origin https://here.example\n`)
  const page = await reach(t, served)
  page.write([...UPGRADE, 'Origin: https://there.example', '', ''].join('\r\n'))
  const [answer] = (await once(page, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 403 /)
  await eventually('nobody is there any more', () => {
    if (!page.destroyed) page.write('?')
    return page.destroyed
  })
  await served.close()
})

await t.test('it counts among all before it has asked', async (t) => {
  const served = await serveText(t, `${TEXT}global_max_connections 1\n`)
  const first = await reach(t, served)
  const second = await reach(t, served)
  await once(second, 'end')
  first.write([...UPGRADE, '', ''].join('\r\n'))
  const [answer] = (await once(first, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 101 /, 'and once alone')
  await served.close()
})

async function reach(t: Scope, { ports }: Served): Promise<Socket> {
  const socket = connectTcp({ port: ports[0], host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  socket.resume()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}
