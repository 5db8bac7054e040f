// Does `aedes-push bridge`, a process without a store, bring messages to the devices of a server?
import { t } from '../support/tap.ts'
import {
  connectDevice,
  eventually,
  issueToken,
  MAIN,
  request,
  send,
  startProgram,
  startServer,
  temporaryFolder,
} from '../support/index.ts'

const KEY = 'a-provider-key-for-both-sides'

await t.test('private, by range, and with the errors of the catalogue', async (t) => {
  const server = await startServer(t, { settings: { PUSH_PROVIDER_KEY: KEY } })
  const issued = await issueToken(server, { app: 'news', device: 'phone', version: '2.1.0' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  await device.subscribe('news/2.1.0')

  const bridge = startProgram(t, process.execPath, [MAIN, 'bridge', '--http-port', '0'], {
    cwd: temporaryFolder(t, 'bridge'),
    env: {
      PUSH_BROKER_URL: `mqtt://127.0.0.1:${server.mqttPort}`,
      PUSH_PROVIDER_KEY: KEY,
      // The server's keys: with them the bridge can read message tokens.
      PUSH_DATA_DIR: server.dataDir,
    },
  })
  const ready = await bridge.stdout.nextWhere((line) => line.startsWith('ready '))
  const target = { httpPort: Number(/http=(\d+)/.exec(ready)?.[1]), providerKey: KEY }

  await eventually('the bridge is connected', async () => (await request(target, 'GET', '/readyz')).status === 200)

  t.match(await send(target, { token: issued.token }, 'by token'), { accepted: 1, rejected: [] })
  t.equal((await device.next()).text, 'by token')
  t.match(await send(target, { app: 'news', versions: '>=2 <3' }, { to: 'all' }), { accepted: 1 })
  t.match(await device.next(), { topic: 'news/2.1.0', text: '{"to":"all"}' })
  t.match(await request(target, 'POST', '/v1/tokens', { body: { app: 'news', device: 'x' } }), {
    status: 501,
    body: { code: 'UNSUPPORTED_BY_BRIDGE' },
  })

  await server.stop()
  const refused = await request(target, 'POST', '/v1/messages', { body: { to: { token: issued.token }, payload: 'x' } })
  t.match(refused, { status: 503, body: { code: 'UPSTREAM_UNAVAILABLE' } }, 'without the broker nothing is accepted')
  await server.restart()
  t.equal((await bridge.kill('SIGTERM')).code, 0)
})
