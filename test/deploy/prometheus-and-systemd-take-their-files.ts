// Do promtool and systemd-analyze find no mistake, does each alert fire when it should, and is there a runbook for it?
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { SETTINGS } from '../../server/settings.ts'
import { ROOT, temporaryFolder } from '../support/index.ts'
import { board, rules } from './support/queries.ts'
import { read } from './support/files.ts'

const ALERTS = join(ROOT, 'deploy', 'prometheus', 'alerts.yaml')
const unlessInstalled = (program: string) =>
  spawnSync(program, ['--version']).status === 0 ? false : `${program} is not installed`

function run(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return { status, output: `${stdout}${stderr}` }
}

t.test('promtool', { skip: unlessInstalled('promtool') }, async (t) => {
  const checked = run('promtool', 'check', 'config', join(ROOT, 'deploy', 'prometheus', 'prometheus.yaml'))
  t.equal(checked.status, 0, checked.output)
  t.match(checked.output, `${rules().length} rules found`)
  const cases = join(temporaryFolder(t, 'alerts'), 'cases.yaml')
  writeFileSync(cases, read('test/deploy/support/alerts.test.yaml').replace('- ALERTS', `- ${ALERTS}`))
  const tested = run('promtool', 'test', 'rules', cases)
  t.equal(tested.status, 0, tested.output)
  for (const { alert } of rules()) t.match(read('test/deploy/support/alerts.test.yaml'), alert, 'each is tried')
})

t.test('each alert has a runbook', async (t) => {
  const operations = read('docs/operations.md')
  for (const [name] of (operations.split('## Alerts')[1] ?? '').matchAll(/\bPUSH_[A-Z_]+\b/g))
    t.ok(Object.hasOwn(SETTINGS, name), `${name} is a setting`)
  const headings = [...operations.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase())
  for (const { alert, annotations } of rules()) {
    const [page, anchor = ''] = (annotations.runbook_url ?? '').split('#')
    t.equal(page, 'https://github.com/aedes-push/aedes-push/blob/main/docs/operations.md')
    t.equal(anchor, alert.toLowerCase())
    t.ok(headings.includes(anchor), `${alert} has a section`)
  }
})

t.test('the panels of the board are apart and have names', async (t) => {
  const { panels } = board()
  t.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
  for (const { targets } of panels) t.not(targets.length, 0)
})

t.test('systemd', { skip: unlessInstalled('systemd-analyze') }, async (t) => {
  const folder = temporaryFolder(t, 'units')
  mkdirSync(folder, { recursive: true })
  const unit = join(folder, 'aedes-push.service')
  // The program is not installed here, and its user is not there.
  const text = read('deploy/systemd/aedes-push.service')
    .replace(/^ExecStart=.*$/m, `ExecStart=${process.execPath}`)
    .replace(/^(User|Group)=.*$/gm, '$1=daemon')
  writeFileSync(unit, text)
  const verified = run('systemd-analyze', 'verify', unit)
  t.equal(verified.status, 0, verified.output)
  t.notMatch(verified.output, 'aedes-push', 'what it says of other units of this machine is not ours')
  // Tenths: 0 is shut in completely, 10 is open.
  const judged = run('systemd-analyze', 'security', '--offline=true', '--threshold=15', unit)
  t.equal(judged.status, 0, judged.output)
})
