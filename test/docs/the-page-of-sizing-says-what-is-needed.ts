// Does docs/sizing.md say what 1, 10 and 100 million devices need, and is it never written without?
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { ROOT, temporaryFolder } from '../support/index.ts'

t.test('the needs of each size', async (t) => {
  const page = readFileSync(join(ROOT, 'docs/sizing.md'), 'utf8')
  const needs = page.slice(page.indexOf('## What devices need'))
  for (const size of ['1 million', '10 million', '100 million']) t.match(needs, new RegExp(`^\\| ${size} \\|`, 'm'))
})

t.test('without results of the benchmark', async (t) => {
  const program = join(ROOT, '.build/bench/sizing.js')
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [program, '--write', ...args], { cwd: temporaryFolder(t, 'sizing'), encoding: 'utf8' })
  const without = run()
  t.not(without.status, 0)
  t.match(without.stderr, 'bench-results.json is not there')
  const missing = run('--from', 'one.json,other.json')
  t.not(missing.status, 0)
  t.match(missing.stderr, /o(ne|ther)\.json/)
})
