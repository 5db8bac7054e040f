// With port 0, does the one line on stdout name the ports that were given, and do they answer?
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { connectDevice, connectRaw, issueToken, request, temporaryFolder } from '../support/index.ts'
import { runMain, startMain } from './support/main.ts'

const dataDir = join(temporaryFolder(t), 'made', 'when', 'needed')
const program = startMain(t, [
  '--mqtt-port',
  '0',
  '--http-port=0',
  '--data-dir',
  dataDir,
  '--provider-key',
  'k'.repeat(16),
])
const line = await program.stdout.next()
const [, mqtt, http] = /^ready mqtt=(\d+) http=(\d+)$/.exec(line) ?? []
const target = { mqttPort: Number(mqtt), httpPort: Number(http), providerKey: 'k'.repeat(16) }

await t.test('what it names answers at once', async (t) => {
  t.match(line, /^ready mqtt=[1-9]\d* http=[1-9]\d*$/)
  t.equal((await request(target, 'GET', '/readyz')).status, 200)
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  for (const transport of ['tcp', 'ws'] as const) {
    const device = await connectDevice(t, target, issued, { transport, subscribe: true })
    await device.end()
  }
})

await t.test('a port that is taken ends the start and is named', async (t) => {
  for (const [flag, port] of [
    ['--mqtt-port', mqtt],
    ['--http-port', http],
  ] as const) {
    const other = flag === '--mqtt-port' ? '--http-port' : '--mqtt-port'
    const ended = await runMain(t, [flag, String(port), other, '0', '--data-dir', join(temporaryFolder(t), 'data')])
    t.equal(ended.code, 1)
    t.match(ended.errors, new RegExp(String(port)), `${flag} ${port}`)
    t.equal(ended.output, '')
  }
})

await t.test('the line is all there is on stdout', async (t) => {
  const raw = await connectRaw(t, target.mqttPort)
  raw.sendBytes(Buffer.from([0xff, 0xff]))
  await raw.closed
  t.same(await program.kill('SIGTERM'), { code: 0, signal: null })
  t.same(program.stdout.received, [line])
})
