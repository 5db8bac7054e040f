// Does a server outlive a rejection or an exception that nobody handled, say so without secrets, and end only where it must?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { t } from '../support/tap.ts'
import {
  BUILD,
  connectProvider,
  eventually,
  freePort,
  metric,
  ROOT,
  startServerProcess,
  temporaryFolder,
} from '../support/index.ts'

const THROWER = join(ROOT, 'test', 'unexpected', 'support', 'thrower.cjs')
const STORE = `${pathToFileURL(BUILD).href}/store/`

await t.test('an error that nobody handled', async (t) => {
  const nodeFlags = ['--require', THROWER]
  const settings = { PUSH_TEST_STORE: STORE }
  const server = await startServerProcess(t, { nodeFlags, settings })
  const counted = (kind: string) => metric(server, 'push_unexpected_errors_total', `kind="${kind}"`)
  const ask = (way: string) => {
    writeFileSync(join(server.dataDir, 'throw'), way)
    process.kill(server.pid, 'SIGWINCH')
  }
  const device = await connectProvider(t, server)
  for (const kind of ['rejection', 'exception']) {
    ask(kind)
    await eventually(`one ${kind} that is counted`, async () => (await counted(kind)) === 1)
  }
  t.ok(device.client.connected, 'connections stay')
  const line = server.logs.find((each) => each.includes('unhandled error; the server continues'))
  t.match(JSON.parse(line ?? '{}'), {
    level: 50,
    err: { type: 'Error', message: /^ERR unknown command/, command: 'set' },
  })
  t.notMatch(server.logs.join('\n'), /secret-payload/, 'the log holds no arguments of a command')

  ask('store')
  t.match(await server.exited, { code: 1, signal: null }, 'a fault of the store itself ends it')
  t.equal(device.disconnectPacket?.reasonCode, 0x8b, 'in order')
  t.match(server.logs.join('\n'), /stopping after an unhandled error/)

  const key = 'a-key-of-the-bridge-0123456789'
  const bridge = await startServerProcess(t, {
    nodeFlags,
    flags: ['bridge'],
    dataDir: temporaryFolder(t, 'bridge'),
    settings: { ...settings, PUSH_PROVIDER_KEY: key, PUSH_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}` },
  })
  writeFileSync(join(bridge.dataDir, 'throw'), 'rejection')
  process.kill(bridge.pid, 'SIGWINCH')
  await eventually('a bridge that goes on', async () => {
    return (await metric(bridge, 'push_unexpected_errors_total', 'kind="rejection"')) === 1
  })
  t.equal(await bridge.stop(), 0, 'and ends as it should')
})
