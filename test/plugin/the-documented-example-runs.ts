// Does examples/embed.mjs do what it says, as it stands, with the package imported by its name?
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import t from 'tap'
import {
  BUILD,
  connect,
  connectDevice,
  issueToken,
  request,
  ROOT,
  send,
  startProgram,
  temporaryFolder,
} from '../support/index.ts'

const PROVIDER_KEY = 'key-of-the-example-0123456789'

/** `aedes-push` is this package by its own `exports`, which name `dist/`: a hook gives what was built for the tests. */
function nodeFlags(): string[] {
  const index = JSON.stringify(pathToFileURL(join(BUILD, 'index.js')).href)
  const hook = `export const resolve = (name, context, next) => name === 'aedes-push' ? { url: ${index}, shortCircuit: true } : next(name, context)`
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})`
  return ['--import', `data:text/javascript,${encodeURIComponent(register)}`]
}

const example = join(ROOT, 'examples', 'embed.mjs')
const cwd = temporaryFolder(t)
const program = startProgram(t, process.execPath, [...nodeFlags(), example], {
  cwd,
  env: { PROVIDER_KEY, MQTT_PORT: '0', HTTP_PORT: '0' },
})
const ready = await program.stdout.nextWhere((line) => line.startsWith('ready'))
const [, mqttPort, httpPort] = /mqtt=(\d+) http=(\d+)/.exec(ready) ?? []
const target = { mqttPort: Number(mqttPort), httpPort: Number(httpPort), providerKey: PROVIDER_KEY }

await t.test('a device over TCP and WebSocket', async (t) => {
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  for (const transport of ['tcp', 'ws'] as const) {
    const device = await connectDevice(t, target, issued, { transport, subscribe: true })
    await send(target, { token: issued.tokenId }, `over ${transport}`)
    t.equal((await device.next()).text, `over ${transport}`)
    await device.end()
  }
})

await t.test('a user of its own, with its own rules', async (t) => {
  const sensor = await connect(t, target, { username: 'sensor', password: 'sensor-password' })
  await sensor.subscribe('sensors/#')
  await sensor.publish('sensors/kitchen', '21.5')
  t.equal((await sensor.next()).text, '21.5')
  await t.rejects(sensor.publish('elsewhere', 'x'))
  await t.rejects(connect(t, target, { username: 'sensor', password: 'wrong' }))
  t.equal((await request(target, 'GET', '/hello')).text, 'hello\n')
})

await t.test('SIGTERM', async (t) => {
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  const device = await connectDevice(t, target, issued)
  t.same(await program.kill('SIGTERM'), { code: 0, signal: null }, 'it ends by itself')
  await device.closed
  t.equal(device.disconnectPacket?.reasonCode, 0x8b)
  t.same(program.stderr, [], 'and has complained of nothing')
})
