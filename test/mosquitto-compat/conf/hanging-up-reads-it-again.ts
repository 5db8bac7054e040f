// Does SIGHUP take a new configuration as a whole, open the log file anew, and end no server; and is the pid file gone at the end?
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import {
  ann,
  ANN_LINE,
  bob,
  connect,
  eventually,
  freePort,
  MAIN,
  passwordFile,
  startProgram,
  startServerProcess,
  temporaryFolder,
} from '../../support/index.ts'

await t.test('a server as a mosquitto.conf describes it', async (t) => {
  const folder = temporaryFolder(t, 'hang-up')
  const at = (name: string) => join(folder, name)
  const port = await freePort()
  const passwords = passwordFile(t)
  const conf = (more: string) =>
    writeFileSync(
      at('mosquitto.conf'),
      `listener ${port} 127.0.0.1\nuser root\npid_file ${at('pid')}\nlog_dest file ${at('log')}\nlog_timestamp_format %Y-%m-%dT%H:%M:%S\npassword_file ${passwords}\n${more}`,
    )
  conf('')
  const program = startProgram(t, process.execPath, [MAIN, 'mosquitto', '-c', at('mosquitto.conf')], {
    env: { PUSH_DATA_DIR: at('data') },
  })
  t.equal(await program.stdout.next(), `ready mqtt=${port}`)
  t.equal(readFileSync(at('pid'), 'utf8'), String(program.pid))
  const target = { mqttPort: port, httpPort: 0 }
  const first = await connect(t, target, ann, { clientId: 'phone', protocolVersion: 4, keepalive: 60 })
  const logged = (name: string, line: RegExp) =>
    eventually(`${line} in ${name}`, () => existsSync(at(name)) && line.test(readFileSync(at(name), 'utf8')))
  await logged(
    'log',
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: New client connected from 127\.0\.0\.1:\d+ as phone \(p2, c1, k60, u'ann'\)\.$/m,
  )

  renameSync(at('log'), at('log.1'))
  conf('nonsense 5')
  process.kill(program.pid, 'SIGHUP')
  await logged('log.1', /Error found at .*mosquitto\.conf:7\.$/m)
  t.notOk(existsSync(at('log')), 'a broken file changes nothing')

  writeFileSync(passwords, `${ANN_LINE}\n`)
  conf(`listener ${await freePort()}`)
  process.kill(program.pid, 'SIGHUP')
  await logged('log.1', /Listeners cannot be added or removed without a restart; the rest is taken\./)
  await t.rejects(connect(t, target, bob), { code: 0x87 }, 'the password file is read again')
  await first.publish('still', 'here')
  await first.end()
  await logged('log', /Client phone disconnected\.$/m)

  t.match(await program.kill('SIGTERM'), { code: 0 })
  t.notOk(existsSync(at('pid')))
})

await t.test('a server without anything to read again', async (t) => {
  const server = await startServerProcess(t)
  process.kill(server.pid, 'SIGHUP')
  await server.waitForLog(/nothing to reload/)
  t.ok(server.running)
})
