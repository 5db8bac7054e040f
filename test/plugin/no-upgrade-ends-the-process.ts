// Is every upgrade answered, whatever its target and headers, with the catalogue's error where there is no WebSocket?
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { converse, openRaw, upgradeTo } from '../bridge/support/raw.ts'
import { request } from '../support/api.ts'
import { embed } from './support/embed.ts'

const server = await embed(t)

await t.test('targets that are no path of ours', async (t) => {
  const targets = ['//', '///', '//mqtt', '/', '*', '?', '/%', '/%zz', 'http://', 'http://[', 'http://:x/', 'http://x/']
  for (const target of [...targets, '/mqtt/x', '/MQTT', '/mqtt//', `/${'x'.repeat(8_000)}`]) {
    const answer = await converse(t, server.httpPort, upgradeTo(target))
    t.match(answer, /^HTTP\/1\.1 4\d\d /, target.slice(0, 20))
    t.match(answer, /"code":"(NOT_FOUND|REQUEST_INVALID)"/, target.slice(0, 20))
  }
})

await t.test('handshakes that are none', async (t) => {
  const wrong: Record<string, string>[] = [
    { 'sec-websocket-key': 'short' },
    { 'sec-websocket-version': '99' },
    { upgrade: 'h2c' },
  ]
  for (const headers of wrong)
    t.match(
      await converse(t, server.httpPort, upgradeTo('/mqtt', headers)),
      /^HTTP\/1\.1 400 .*"code":"REQUEST_INVALID"/s,
      JSON.stringify(headers),
    )
  const hostless = upgradeTo('/mqtt').replace('host: localhost\r\n', '')
  t.match(await converse(t, server.httpPort, hostless), /^HTTP\/1\.1 400 .*"detail":"there is no Host header"/s)
  t.match(await converse(t, server.httpPort, 'CONNECT x:1 HTTP/1.1\r\nhost: localhost\r\n\r\n'), /^$/)
})

await t.test('targets that are our path', async (t) => {
  for (const target of ['/mqtt', '/mqtt/', '/mqtt?token=x', '/mqtt/?', 'http://localhost/mqtt']) {
    const socket = await openRaw(t, server.httpPort)
    socket.write(upgradeTo(target))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    t.match(answer.toString(), /^HTTP\/1\.1 101 /, target)
    socket.destroy()
  }
})

await t.test(
  '[MQTT-6.0.0-3] [MQTT-6.0.0-4] the subprotocol is `mqtt`, and nothing else is taken or said',
  async (t) => {
    const socket = await openRaw(t, server.httpPort)
    socket.write(upgradeTo('/mqtt', { 'sec-websocket-protocol': 'chat,mqttv3.1 , mqtt' }))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    t.match(answer.toString(), /sec-websocket-protocol: mqtt\r\n/i)
    for (const offered of ['mqttv3.1', 'MQTT', 'chat', ''])
      t.match(
        await converse(t, server.httpPort, upgradeTo('/mqtt', { 'sec-websocket-protocol': offered })),
        /^HTTP\/1\.1 400 .*"code":"SUBPROTOCOL_UNSUPPORTED"/s,
        offered,
      )
  },
)

await t.test('the server lives', async (t) => {
  t.equal((await request(server, 'GET', '/readyz')).status, 200)
})
