// Do limits by address hold for each client behind a trusted proxy of HTTP, and can nobody else say who it is?
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { openRaw, upgradeTo } from '../bridge/support/raw.ts'
import { eventually, issueToken, metric, request, type Server, startServer } from '../support/index.ts'

const HTTP = { PUSH_LOG_LEVEL: 'info' }
const ask = (server: Server, headers: Record<string, string>) =>
  request(server, 'GET', '/readyz', { bearer: null, headers })
const statuses = async (server: Server, headers: Record<string, string>, times: number) => {
  const found: number[] = []
  for (let time = 0; time < times; time++) found.push((await ask(server, headers)).status)
  return found
}

await t.test('requests a minute', async (t) => {
  const server = await startServer(t, {
    settings: { ...HTTP, PUSH_MAX_REQUESTS: '3', PUSH_PROXY_TRUSTED: '127.0.0.1' },
  })
  for (const headers of [
    { 'x-forwarded-for': '192.0.2.1' },
    { forwarded: 'for=192.0.2.2' },
    { 'x-forwarded-for': '2001:db8::3' },
  ])
    t.same(await statuses(server, headers, 4), [200, 200, 200, 429], JSON.stringify(headers))
  // Whatever the client writes itself stands to the left.
  for (const own of ['198.51.100.1', '198.51.100.2', 'nonsense', '127.0.0.1'])
    t.equal((await ask(server, { 'x-forwarded-for': `${own}, 192.0.2.1` })).status, 429, own)
  // What says nothing counts for the proxy.
  const nothing = [{}, { 'x-forwarded-for': 'nonsense' }, { forwarded: 'for="' }, { forwarded: 'for=_x' }]
  t.same(
    await Promise.all(nothing.map(async (headers) => (await ask(server, headers)).status)).then((all) => all.sort()),
    [200, 200, 200, 429],
  )
})

await t.test('a peer that is not trusted says nothing', async (t) => {
  for (const trusted of [{}, { PUSH_PROXY_TRUSTED: '10.0.0.0/8' }]) {
    const server = await startServer(t, { settings: { ...HTTP, PUSH_MAX_REQUESTS: '3', ...trusted } })
    const found: number[] = []
    for (let client = 0; client < 4; client++)
      found.push(
        (await ask(server, { 'x-forwarded-for': `192.0.2.${client}`, forwarded: `for=192.0.2.${client}` })).status,
      )
    t.same(found, [200, 200, 200, 429], JSON.stringify(trusted))
  }
})

await t.test('connections', async (t) => {
  const settings = { ...HTTP, PUSH_MAX_CONNECTIONS_PER_ADDRESS: '2', PUSH_PROXY_TRUSTED: '127.0.0.1' }
  const server = await startServer(t, { settings })
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const from = (client: string) => ({ 'x-forwarded-for': client })
  const poll = (client: string) => {
    const abort = new AbortController()
    const answer = request(server, 'GET', '/v1/messages?wait=50', {
      bearer: token,
      headers: from(client),
      signal: abort.signal,
    })
    answer.catch(() => undefined)
    return abort
  }

  const polls = [poll('192.0.2.1'), poll('192.0.2.1'), poll('192.0.2.2'), poll('192.0.2.2')]
  await eventually('the limit of one', async () => (await ask(server, from('192.0.2.1'))).status === 429)
  t.match((await ask(server, from('192.0.2.1'))).body, { code: 'ADDRESS_CONNECTIONS_LIMIT' })
  t.equal((await ask(server, from('192.0.2.3'))).status, 200, 'others are served')
  for (const each of polls) each.abort()
  await eventually('room', async () => (await ask(server, from('192.0.2.1'))).status === 200)

  const upgrade = async (client: string) => {
    const socket = await openRaw(t, server.httpPort)
    socket.write(upgradeTo('/mqtt').replace('\r\n', `\r\nX-Forwarded-For: ${client}\r\n`))
    return socket
  }
  const sockets = [await upgrade('192.0.2.5'), await upgrade('192.0.2.5'), await upgrade('192.0.2.6')]
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  const surplus = await upgrade('192.0.2.5')
  surplus.resume()
  await once(surplus, 'close')
  t.equal(await metric(server, 'push_disconnects_total', 'code="ADDRESS_CONNECTIONS_LIMIT"'), 1)
  t.match(await server.waitForLog(/ADDRESS_CONNECTIONS_LIMIT/), /"address":"192\.0\.2\.5"/, 'the log names the client')
  for (const socket of sockets) socket.destroy()
  await eventually('room for WebSockets', async () => {
    const again = await upgrade('192.0.2.5')
    const [bytes] = await once(again, 'data')
    again.destroy()
    return String(bytes).startsWith('HTTP/1.1 101')
  })
})

await t.test('connects a minute over WebSocket', async (t) => {
  const settings = { ...HTTP, PUSH_MAX_CONNECTS_PER_ADDRESS: '1', PUSH_PROXY_TRUSTED: '127.0.0.1' }
  const server = await startServer(t, { settings })
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const connect = async (client: string) => {
    const { connectDevice } = await import('../support/index.ts')
    const more = { wsOptions: { headers: { 'x-forwarded-for': client } } }
    return await connectDevice(t, server, token, { transport: 'ws', more }).then(
      () => 0,
      (error: { code?: number }) => error.code,
    )
  }
  t.same([await connect('192.0.2.1'), await connect('192.0.2.2'), await connect('192.0.2.1')], [0, 0, 0x9f])
})
