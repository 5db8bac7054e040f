// Does `aedes-push mosquitto` take Mosquitto's command line, and end with its codes where it cannot start?
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import { runCommand, temporaryFolder } from '../../support/index.ts'

const folder = temporaryFolder(t, 'command')
const PUSH_DATA_DIR = join(folder, 'data')

function file(text: string): string {
  const path = join(folder, 'mosquitto.conf')
  writeFileSync(path, text)
  return path
}

await t.test('what it says without serving', async (t) => {
  const { code, output } = await runCommand(t, ['mosquitto', '-h'])
  t.equal(code, 0)
  t.match(output, '--test-config')
  t.match((await runCommand(t, ['mosquitto', '--version'])).output, /^mosquitto for aedes-push \d/)
})

await t.test('--test-config', async (t) => {
  const good = await runCommand(t, ['mosquitto', '--test-config', '-c', file('listener 1883\nautosave_interval 5')])
  t.match(good, { code: 0, errors: 'Configuration file is OK.' })
  t.match(good.errors, "Warning: The 'autosave_interval' option has no effect here")
  const path = file('listener 1883\n\nnonsense 5')
  const wrong = await runCommand(t, ['mosquitto', '--test-config', '-c', path])
  t.equal(wrong.code, 3)
  t.match(
    wrong.errors,
    /\d+: Error: Unknown configuration variable 'nonsense'\.\n\d+: Error found at .*mosquitto\.conf:3\./,
  )
  t.match(await runCommand(t, ['mosquitto', '--test-config']), {
    code: 3,
    errors: 'Please provide a configuration file',
  })
})

await t.test('what keeps it from serving', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.teardown(() => void busy.close())
  const { port } = busy.address() as AddressInfo
  const TLS = 'listener 1883 127.0.0.1\ncertfile /nowhere\nkeyfile /nowhere'
  for (const [name, code, text, message, env] of [
    [
      'a port that is taken',
      1,
      `listener ${port} 127.0.0.1`,
      /cannot listen at port \d+ of 127\.0\.0\.1: another program/,
      {},
    ],
    ['an address that is none', 1, 'listener 1883 192.0.2.1', /this machine has no such address/, {}],
    ['an interface that is none', 1, 'listener 1883\nbind_interface nope0', /there is no network interface nope0/, {}],
    ['a certificate that is not there', 1, TLS, /certfile: "\/nowhere" cannot be read/, {}],
    ['a password file that is not there', 3, 'listener 1883\npassword_file /nowhere', /\/nowhere/, {}],
    [
      'a setting that the file says',
      2,
      '',
      /PUSH_MQTT_PORT: the configuration file says it with listener/,
      { PUSH_MQTT_PORT: '1' },
    ],
    ['workers', 2, '', /PUSH_WORKERS .*one process serves/, { PUSH_WORKERS: '2', PUSH_REDIS_URL: 'redis://127.0.0.1' }],
  ] as const) {
    const ended = await runCommand(t, ['mosquitto', '-c', file(text)], { PUSH_DATA_DIR, ...env })
    t.match(ended, { code, errors: message }, name)
  }
  writeFileSync(join(folder, 'pw'), 'provider:$7$101$AAAA$AAAA')
  const provider = await runCommand(t, ['mosquitto', '-c', file(`listener 1883\npassword_file ${folder}/pw`)], {
    PUSH_DATA_DIR,
  })
  t.match(provider, { code: 3, errors: /`provider`.*\n.*Error found at .*pw:1\./ })
})

await t.test('a command line that is wrong', async (t) => {
  for (const [argv, message] of [
    [['-c'], '-c argument given, but no config file specified.'],
    [['-p', '70000'], 'Invalid port specified (70000).'],
    [['-p'], '-p argument given, but no port specified.'],
    [['--nonsense'], "Unknown option '--nonsense'."],
    [['-c', join(folder, 'none.conf')], 'Unable to open config file'],
  ] as const)
    t.match(await runCommand(t, ['mosquitto', ...argv]), { code: 3, errors: message }, argv.join(' '))
})
