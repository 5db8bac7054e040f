/**
 * `npm run bench`: builds the server as its users run it, compiles the benchmark beside it, and runs that. Arguments go
 * to the benchmark: `npm run bench -- --only ours-level,mosquitto --works private --quick`; `--help` names them all.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root, run } from './prepare.mjs'

const BUILD = join(root, '.bench-build')

prepare()
rmSync(BUILD, { recursive: true, force: true })
run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.bench.json'])

const child = spawn(process.execPath, [join(BUILD, 'bench', 'main.js'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
// A terminal signals the whole group; whoever signals us alone means the benchmark, too.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
const [code] = await once(child, 'close')
process.exitCode = code ?? 1
