// Do --help and --version answer on stdout, wherever they stand, and is every setting in the help?
import { readFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { askedFor, readConfig } from '../../server/arguments.ts'
import { flagOf, SETTINGS } from '../../server/settings.ts'
import { helpText, versionText } from '../../server/help.ts'
import { runMain, runMainProcess } from './support/main.ts'
import { join } from 'node:path'
import { ROOT } from '../support/root.ts'

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
}

t.test('as it is read', async (t) => {
  t.equal(askedFor(['--help']), 'help')
  t.equal(askedFor(['export', '--redis-url', '--help']), 'help', 'whoever asks does not know the rest')
  t.equal(askedFor(['bridge', '-h']), 'help')
  t.equal(askedFor(['import', '--version']), 'version')
  t.equal(askedFor(['--mqtt-port', '0']), undefined)
  t.throws(() => readConfig(['--helper', 'x'], {}), /--helper is not a setting/)
})

t.test('every setting is in the help', async (t) => {
  for (const name of Object.keys(SETTINGS)) t.ok(helpText().includes(`  --${flagOf(name)}  ${name}\n`), name)
  t.equal(versionText(), `${version}\n`)
})

t.test('the process', async (t) => {
  t.match(await runMain(t, ['bridge', '--help'], { PUSH_WINDOW: 'wrong' }), {
    code: 0,
    output: /--mqtt-port/,
    errors: '',
  })
  t.same(await runMainProcess(t, ['--version']), { code: 0, output: version, errors: '' })
})
