// Does `npm start` hand its flags and signals to the server, and end with the server's exit code?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { request, ROOT, startProgram, temporaryFolder } from '../support/index.ts'

async function npmStart(t: Test, ...flags: string[]) {
  const args = [
    'start',
    '--',
    '--mqtt-port',
    '0',
    '--http-port',
    '0',
    '--data-dir',
    temporaryFolder(t, 'start'),
    ...flags,
  ]
  const program = startProgram(t, 'npm', args, { cwd: ROOT, ownGroup: true })
  const ready = await program.stdout.nextWhere((line) => line.startsWith('ready '))
  return { program, httpPort: Number(/http=(\d+)/.exec(ready)?.[1]) }
}

t.test('SIGTERM to npm alone, as a supervisor sends it', async (t) => {
  const { program, httpPort } = await npmStart(t)
  t.match(await request({ httpPort, providerKey: '' }, 'GET', '/healthz', { bearer: null }), { status: 200 })
  t.same(await program.kill('SIGTERM'), { code: 0, signal: null })
  await t.rejects(request({ httpPort, providerKey: '' }, 'GET', '/healthz', { bearer: null }), { code: 'ECONNREFUSED' })
})

t.test('Ctrl-C, which reaches npm and the server, and which npm passes on once more', async (t) => {
  // How close the two come is chance, so one try would prove little.
  for (let tries = 0; tries < 2; tries += 1) {
    const { program } = await npmStart(t)
    t.same(await program.killGroup('SIGINT'), { code: 0, signal: null })
  }
})

t.test('a wrong flag', async (t) => {
  const program = startProgram(t, 'npm', ['start', '--', '--mqtt-port', 'none'], { cwd: ROOT })
  t.match(await program.exited, { code: 2 })
  t.match(program.stderr.join('\n'), /PUSH_MQTT_PORT.*"none"/)
})
