// Do --help and --version answer on stdout, wherever they stand, and is every setting and command in the help?
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { readConfig } from '../../server/arguments.ts'
import { CATALOG } from '../../server/cli/catalog.ts'
import { readCommandLine } from '../../server/cli/command-line.ts'
import { flagOf, SETTINGS } from '../../server/settings.ts'
import { ROOT } from '../support/root.ts'
import { runMain, runMainProcess } from './support/main.ts'

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
}

/** What is printed in place of a run; undefined: it is run. */
async function textOf(...argv: string[]): Promise<string | undefined> {
  const asked = await readCommandLine(argv)
  return asked.kind === 'text' ? asked.text : undefined
}

await t.test('as it is read', async (t) => {
  t.match(await textOf('--help'), /^Usage: aedes-push \[command\]/)
  t.match(
    await textOf('export', '--redis-url', '--help'),
    /^Usage: aedes-push export/,
    'who asks does not know the rest',
  )
  t.match(await textOf('bridge', '-h'), /^Usage: aedes-push bridge/)
  t.match(await textOf('help', 'keys', 'create'), /^Usage: aedes-push keys create/)
  t.match(await textOf('keys', 'create', '--help'), /^Usage: aedes-push keys create/)
  t.equal(await textOf('import', '--version'), `${version}\n`)
  t.equal(await textOf('send', '--version'), `${version}\n`)
  t.equal(await textOf('--mqtt-port', '0'), undefined)
  t.equal(await textOf('send', '--token', 'x', '--', '--help'), undefined, 'a payload may be any text')
  t.throws(() => readConfig(['--helper', 'x'], {}), /unknown option '--helper'/)
})

await t.test('every setting and every command is in the help', async (t) => {
  const help = (await textOf('--help')) ?? ''
  const words = help.replace(/\s+/g, ' ')
  for (const name of Object.keys(SETTINGS))
    t.ok(help.includes(`  --${flagOf(name)} `) && words.includes(`(${name})`), name)
  for (const [name, { about }] of Object.entries(CATALOG)) t.ok(words.includes(` ${name} ${about}`), name)
  t.ok(help.indexOf('verify-isolation') < help.indexOf('\n  --mqtt-port '), 'commands come before settings')
})

await t.test('the process', async (t) => {
  t.match(await runMain(t, ['bridge', '--help'], { PUSH_WINDOW: 'wrong' }), {
    code: 0,
    output: /--mqtt-port/,
    errors: '',
  })
  t.same(await runMainProcess(t, ['--version']), { code: 0, output: version, errors: '' })
})
