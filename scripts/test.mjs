/**
 * `npm test`: prepare, see to the tools, run tap, and close with one plain line of counts.
 * A file that passes is one line; of a file that fails everything is shown. Arguments go to tap:
 * `npm test -- test/broker/some-scenario.ts`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { prepare, root } from './prepare.mjs'
import { createSummary } from './tap-summary.mjs'
import { ensureTools } from './tools.mjs'

async function main() {
  prepare()
  ensureTools()
  const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
  const child = spawn(process.execPath, [tap, 'run', '--reporter=tap', ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const signals = ['SIGINT', 'SIGTERM']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  const summary = createSummary((line) => console.log(line))
  createInterface({ input: child.stdout }).on('line', summary.line)
  const [code] = await once(child, 'close')
  const { pass, fail, skip, todo } = summary.counts
  // A runner that ended badly without a failed assertion still failed once: the line must not look green.
  const bad = code === 0 && pass > 0 ? fail : Math.max(fail, 1)
  const skipped = skip + todo > 0 ? `, ${skip + todo} skipped` : ''
  process.exitCode = bad === 0 ? 0 : code || 1
  process.stdout.write(`${pass} passed, ${bad} failed${skipped}\n`)
}

await main()
