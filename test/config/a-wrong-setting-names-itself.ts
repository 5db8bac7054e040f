// Does a wrong value, given by environment, flag or file, end the start with 2 and name setting, value and what is allowed?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { readConfig } from '../../server/arguments.ts'
import { ConfigError, flagOf, SETTINGS, type Setting, type SettingName } from '../../server/settings.ts'
import { temporaryFolder } from '../support/index.ts'
import { runMain } from './support/main.ts'

const folder = temporaryFolder(t)

function configFile(content: unknown): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** A value that this setting does not take, and that is recognised in a message. */
function wrongFor(setting: Setting<unknown>): string | undefined {
  return ['not\u00a0 possible', '-1', '99999999999999999999', '1.5', 'short'].find(
    (value) => setting.parse(value) === undefined,
  )
}

const settings = Object.entries<Setting<unknown>>(SETTINGS) as [SettingName, Setting<unknown>][]

await t.test('every setting that has a wrong value', async (t) => {
  let tried = 0
  for (const [name, setting] of settings) {
    const value = wrongFor(setting)
    if (value === undefined) continue
    tried++
    const roads: [string, () => unknown][] = [
      ['environment', () => readConfig([], { [name]: value })],
      ['flag', () => readConfig([`--${flagOf(name)}`, value], {})],
      ['flag with =', () => readConfig([`--${flagOf(name)}=${value}`], {})],
      ['file', () => readConfig(['--config', configFile({ [name]: value })], {})],
    ]
    for (const [road, read] of roads) {
      try {
        read()
        t.fail(`${name} by ${road} was taken`)
      } catch (error) {
        t.ok(error instanceof ConfigError)
        const { message } = error as Error
        t.ok(message.includes(name), `${name} by ${road} names itself`)
        t.ok(message.includes(`--${flagOf(name)}`), 'and its flag')
        t.ok(message.includes(setting.allowed), 'and what is allowed')
        t.equal(
          message.includes(JSON.stringify(value)),
          setting.secret !== true,
          'and the value, unless it is a secret',
        )
      }
    }
  }
  t.ok(tried > 30, `${tried} settings have wrong values`)
})

await t.test('every default and every bound is allowed', async (t) => {
  for (const [name, setting] of settings) {
    if (setting.default === undefined) continue
    t.same(setting.parse(String(setting.default as string | number)), setting.default, name)
  }
  t.doesNotThrow(() => readConfig([], {}))
})

await t.test('the process says it in one line on stderr and ends with 2', async (t) => {
  const secret = 'too short'
  const cases: Record<string, [args: string[], env: Record<string, string>, says: RegExp[]]> = {
    'a port by environment': [[], { PUSH_MQTT_PORT: '70000' }, [/PUSH_MQTT_PORT/, /"70000"/, /0 to 65535/]],
    'a port by flag': [['--http-port', 'eighty'], {}, [/PUSH_HTTP_PORT/, /"eighty"/, /0 to 65535/]],
    'a log level by file': [
      ['--config', configFile({ PUSH_LOG_LEVEL: 'loud' })],
      {},
      [/PUSH_LOG_LEVEL/, /"loud"/, /trace, debug, info/],
    ],
    'a number by file': [['--config', configFile({ PUSH_WINDOW: 0 })], {}, [/PUSH_WINDOW/, /"0"/, /1 to 1000/]],
    'a secret by environment': [[], { PUSH_PROVIDER_KEY: secret }, [/PUSH_PROVIDER_KEY/, /at least 16|16 to/]],
    'a secret by flag': [['--provider-key', secret], {}, [/PUSH_PROVIDER_KEY/]],
    'a secret by file': [['--config', configFile({ PUSH_PROVIDER_KEY: secret })], {}, [/PUSH_PROVIDER_KEY/]],
    'a key that is too long': [[], { PUSH_PROVIDER_KEY: 'k'.repeat(300) }, [/PUSH_PROVIDER_KEY/]],
    'a URL with a password': [
      [],
      { PUSH_REDIS_URL: `http://user:${secret.replace(' ', '')}@localhost` },
      [/PUSH_REDIS_URL/, /redis:\/\//],
    ],
    'a file that is not there': [['--config', join(folder, 'nothing.json')], {}, [/--config/, /nothing\.json/]],
    'a file that is no JSON': [['--config', configFile('{')], {}, [/--config/, /JSON/]],
    'a file that is a list': [['--config', configFile([])], {}, [/--config/, /object/]],
    'a flag without a value': [['--mqtt-port'], {}, [/option '--mqtt-port <value>' argument missing/]],
    'a word too many': [['--mqtt-port', '0', 'serve'], {}, [/"serve"/]],
    'an unknown command': [['serve'], {}, [/"serve" is not a command/]],
  }
  for (const [what, [args, env, says]] of Object.entries(cases)) {
    const ended = await runMain(t, args, { PUSH_DATA_DIR: join(folder, 'data'), ...env })
    t.equal(ended.code, 2, `${what}: exit code`)
    for (const each of says) t.match(ended.errors, each, what)
    t.equal(ended.errors.split('\n').length, 1, `${what}: one line, no stack`)
    t.notMatch(ended.errors, /too ?short|kkkk/, `${what}: no secret`)
    t.equal(ended.output, '', `${what}: nothing on stdout`)
  }
})

await t.test('files that a setting names', async (t) => {
  const providers = (content: unknown) => ({ PUSH_PROVIDERS_FILE: configFile(content) })
  const good = { name: 'news', key: 'a-key-that-is-long-enough', apps: ['news'] }
  const cases: Record<string, [env: Record<string, string>, says: RegExp[]]> = {
    'no such providers file': [
      { PUSH_PROVIDERS_FILE: join(folder, 'nobody.json') },
      [/PUSH_PROVIDERS_FILE/, /nobody\.json/],
    ],
    'providers that are no JSON': [providers('['), [/PUSH_PROVIDERS_FILE/]],
    'providers that are no list': [providers({ ...good }), [/PUSH_PROVIDERS_FILE/]],
    'a provider without a key': [providers([{ name: 'news' }]), [/PUSH_PROVIDERS_FILE/]],
    'a provider with a misspelt field': [
      providers([{ name: good.name, key: good.key, app: ['news'] }]),
      [/PUSH_PROVIDERS_FILE/, /\[0\]: "app" is not known.*apps/],
    ],
    'a provider with a short key': [
      providers([{ ...good, key: 'hush-hush' }]),
      [/PUSH_PROVIDERS_FILE|providers/, /16/],
    ],
    'a provider for an app with a wildcard': [
      providers([{ ...good, apps: ['#'] }]),
      [/PUSH_PROVIDERS_FILE|providers/, /apps/],
    ],
    'two providers with one key': [
      providers([good, { ...good, name: 'other' }]),
      [/PUSH_PROVIDERS_FILE|providers/, /same key/],
    ],
    'a password file without hashes': [
      { PUSH_PASSWORD_FILE: configFile('ann:hush-hush') },
      [/PUSH_PASSWORD_FILE/, /:1: /, /mosquitto_passwd/],
    ],
    'an ACL file with a wrong line': [
      {
        PUSH_PASSWORD_FILE: configFile('ann:$6$QUFB$' + Buffer.alloc(64).toString('base64')),
        PUSH_ACL_FILE: configFile('topic a/#\nuser ann\ntopic allow b'),
      },
      [/PUSH_ACL_FILE/, /:3: /, /readwrite/],
    ],
    'an ACL file for nobody': [{ PUSH_ACL_FILE: configFile('topic a') }, [/PUSH_ACL_FILE/, /PUSH_PASSWORD_FILE/]],
    'a reserved app with a wildcard': [{ PUSH_RESERVED_APPS: 'shop,#' }, [/PUSH_RESERVED_APPS/, /names of apps/]],
    'no such keys file': [{ PUSH_KEYS_FILE: join(folder, 'no-keys.json') }, [/no-keys\.json/]],
    'a keys file without keys': [{ PUSH_KEYS_FILE: configFile({ version: 1, keys: [] }) }, [/keys/]],
    'a keys file with a short secret': [
      { PUSH_KEYS_FILE: configFile({ version: 1, keys: [{ kid: 'a', alg: 'HS256', secret: 'hush-hush' }] }) },
      [/secret/, /32/],
    ],
  }
  for (const [what, [env, says]] of Object.entries(cases)) {
    const ended = await runMain(t, ['--mqtt-port', '0', '--http-port', '0'], {
      PUSH_DATA_DIR: join(folder, 'data'),
      ...env,
    })
    t.equal(ended.code, 2, `${what}: exit code`)
    for (const each of says) t.match(ended.errors, each, what)
    t.notMatch(ended.errors, /hush-hush|a-key-that-is/, `${what}: no secret`)
    t.notMatch(ended.errors, /^ +at /m, `${what}: no stack`)
  }
})
