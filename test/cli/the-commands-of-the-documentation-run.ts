// Do the commands of docs/cli.md and of the README run as they stand there?
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { CATALOG } from '../../server/cli/catalog.ts'
import { EXIT } from '../../server/cli/command-error.ts'
import { eventually, ROOT, startServer } from '../support/index.ts'
import { openShell } from './support/shell.ts'

const server = await startServer(t)
const shell = openShell(t, {
  PUSH_DATA_DIR: server.dataDir,
  PUSH_HTTP_PORT: String(server.httpPort),
  PUSH_MQTT_PORT: String(server.mqttPort),
})
const reference = readFileSync(join(ROOT, 'docs', 'cli.md'), 'utf8')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

for (const [where, text] of [
  ['docs/cli.md', reference],
  ['README.md', /## The first message[^]*?the same from the command line([^]*?)## /.exec(readme)?.[1] ?? ''],
] as const)
  await t.test(where, async (t) => {
    const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block)
    const lines = blocks.join('').split('\n').filter(Boolean)
    t.ok(lines.length >= 4, `${lines.length} lines`)
    const listening = []
    for (const line of lines.map((each) => each.replace(/^npx /, ''))) {
      if (!line.includes(' listen ')) {
        const { code, errors } = await shell.run(line)
        t.equal(code, 0, `${line} ${errors}`)
        continue
      }
      const program = shell.start(line.replace(/ &$/, ''))
      await eventually('it listens', () => program.stderr.find((said) => said.includes('listening')))
      listening.push(program)
    }
    for (const program of listening) {
      t.match(await program.stdout.next(), / (hello|Your order is on its way)$/)
      t.equal((await program.killGroup('SIGINT')).code, 0)
    }
  })

t.test('every command and exit code is in the reference', (t) => {
  for (const name of Object.keys(CATALOG)) t.match(reference, new RegExp(`^\\|[^|]*\`${name}[ \`]`, 'm'), name)
  for (const code of Object.values(EXIT)) t.match(reference, new RegExp(`^\\| ${code} \\|`, 'm'), `${code}`)
  t.end()
})
