/**
 * `npm run check:package`: is what npm would publish whole? Packs it, has publint and attw judge the tarball, looks for
 * the files that the compiler does not make, then installs it in an empty project, as strictly as npm can, and uses it. The
 * same with pnpm and Yarn, where the registry can be reached.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

const USE = `import * as push from 'aedes-push'
if (typeof push.createPush !== 'function') throw new Error('no createPush')
import { listen } from 'aedes-push/client'
if (typeof listen !== 'function') throw new Error('no listen')
`

/** Installs it in an empty project and uses it there. */
async function isUsable(install: (project: string) => void, more: object = {}): Promise<void> {
  const project = mkdtempSync(join(folder, 'project-'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', ...more }))
  install(project)
  writeFileSync(join(project, 'use.mjs'), USE)
  run(process.execPath, ['use.mjs'], project)
  const command = join(project, 'node_modules', '.bin', 'aedes-push')
  const { stdout } = spawnSync(command, ['--version'], { cwd: project, encoding: 'utf8' })
  if (stdout.trim() !== process.env.npm_package_version) throw new Error(`the installed command has version ${stdout}`)
  await startsAndStops(command, project)
}

await isUsable((project) =>
  run('npm', ['install', tarball, '--engine-strict', '--no-audit', '--no-fund', '--prefer-offline'], project),
)

/** Others are packages themselves: they stay in the temporary folder, with all that they keep. */
const MANAGERS = ['pnpm@10.34.8', 'yarn@1.22.22', '@yarnpkg/cli-dist@4.18.1']
const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=0', '--ignore-scripts']
const fetched = spawnSync('npm', ['install', '--prefix', join(folder, 'managers'), ...quiet, ...MANAGERS])
const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim()

function manager(file: string, args: readonly string[], project: string): void {
  const script = join(folder, 'managers', 'node_modules', file)
  run(process.execPath, [script, ...args], project)
}

if (fetched.status === 0) {
  Object.assign(process.env, { npm_config_registry: registry, YARN_NPM_REGISTRY_SERVER: registry })
  Object.assign(process.env, { YARN_CACHE_FOLDER: join(folder, 'cache'), YARN_GLOBAL_FOLDER: join(folder, 'berry') })
  Object.assign(process.env, { YARN_ENABLE_TELEMETRY: '0', XDG_CACHE_HOME: join(folder, 'cache') })
  await isUsable((project) => {
    manager('pnpm/bin/pnpm.cjs', ['add', tarball, '--store-dir', join(folder, 'store'), '--silent'], project)
  })
  // It takes the newest of what a range allows, whichever Node.js that needs: see docs/api.md.
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  const resolutions = { 'light-my-request': dependencies['light-my-request'] }
  await isUsable(
    (project) => manager('yarn/bin/yarn.js', ['add', `file:${tarball}`, '--silent', '--no-progress'], project),
    { resolutions },
  )
  await isUsable((project) => {
    // Plug'n'Play has no fsync: see docs/api.md.
    writeFileSync(join(project, '.yarnrc.yml'), 'nodeLinker: node-modules\n')
    writeFileSync(join(project, 'yarn.lock'), '')
    manager('@yarnpkg/cli-dist/bin/yarn.js', ['add', `aedes-push@file:${tarball}`], project)
  })
} else {
  console.error('aedes-push: skipped pnpm and Yarn: the npm registry does not have them, or cannot be reached')
}
console.error('aedes-push: the package is whole')
