/**
 * `npm run check:package`: is what npm would publish whole? Packs it, has publint and attw judge the tarball, looks for
 * the files that the compiler does not make, then installs it in an empty project, as strictly as npm can, and uses it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

function run(command: string, args: readonly string[], cwd = '.'): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
}

/** The installed command says ready, and ends in order. */
async function startsAndStops(command: string, cwd: string): Promise<void> {
  const args = ['--mqtt-port', '0', '--http-port', '0']
  const server = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(server, 'exit')
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.startsWith('ready ')) server.kill('SIGTERM')
  }
  const [code] = await exit
  if (code !== 0) throw new Error(`the installed command ended with ${String(code)}`)
}

const folder = mkdtempSync(join(tmpdir(), 'aedes-push-package-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

run('npm', ['pack', '--silent', '--pack-destination', folder])
const [name] = readdirSync(folder).filter((each) => each.endsWith('.tgz'))
if (name === undefined) throw new Error('npm pack made no tarball')
const tarball = join(folder, name)

const listed = spawnSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).stdout.split('\n')
const scripts = readdirSync(join('store', 'redis', 'lua')).map((each) => `dist/store/redis/lua/${each}`)
const pages = ['index.html', 'app.js', 'app.css', 'icon.svg'].flatMap((each) => [each, `${each}.br`, `${each}.gz`])
const made = [...scripts, ...pages.map((each) => `dist/console/${each}`)]
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/index.js', 'dist/server/main.js', ...made])
  if (!listed.includes(`package/${file}`)) throw new Error(`the package lacks ${file}`)
const foreign = listed.find((file) => /^package\/dist\/(test|bench|scripts)\/|\.tsbuildinfo$/.test(file))
if (foreign !== undefined) throw new Error(`the package holds ${foreign}, which is no part of it`)

const bin = (program: string) => join('node_modules', '.bin', program)
run(bin('publint'), ['run', tarball, '--strict'])
run(bin('attw'), [tarball, '--profile', 'esm-only'])

const project = mkdtempSync(join(folder, 'project-'))
writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
run('npm', ['install', tarball, '--engine-strict', '--no-audit', '--no-fund', '--prefer-offline'], project)
writeFileSync(
  join(project, 'use.mjs'),
  "import * as push from 'aedes-push'\nif (typeof push.createPush !== 'function') throw new Error('no createPush')\n" +
    "import { listen } from 'aedes-push/client'\nif (typeof listen !== 'function') throw new Error('no listen')\n",
)
run(process.execPath, ['use.mjs'], project)
await startsAndStops(join(project, 'node_modules', '.bin', 'aedes-push'), project)
console.error('aedes-push: the package is whole')
