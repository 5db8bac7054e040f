/**
 * Brings a bare clone to where it can run: dependencies as the lock file says, and a build as the sources say. It is
 * plain JavaScript, and needs Node alone, because nothing is installed yet when it runs. What it says goes to standard
 * error: standard output belongs to what runs afterwards.
 *
 *   node scripts/prepare.mjs         the product, in dist/
 *   node scripts/prepare.mjs tests   everything, in .build/: product, tests, benchmark and scripts
 *   node scripts/prepare.mjs start   the product, as far as `npm start` needs it: in production it installs no
 *                                    development packages, and runs what was built
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** npm keeps here what it installed. */
const INSTALLED = join(root, 'node_modules', '.package-lock.json')
const COMPILER = join(root, 'node_modules', 'typescript7', 'bin', 'tsc')
const LUA = join('store', 'redis', 'lua')

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  console.error(`aedes-push: ${command} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`)
  process.exit(status ?? 1)
}

/** @param which the option of npm that says whether development packages are among them */
function install(which) {
  const lock = join(root, 'package-lock.json')
  if (existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(lock).mtimeMs) return
  console.error('aedes-push: installing dependencies')
  const args = ['ci', `--${which}`, '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...args])
  else run('npm', args)
}

/** What `npm test` writes for a run, which may be under way; and the console, which the compiler does not make. */
const OTHERS = ['groups', 'console']

/** The compiler leaves what it made of a file that was moved or deleted: a test would run on, and a package hold it. */
function removeStale(folder) {
  for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (OTHERS.includes(dirname(name))) continue
    const source = name.replace(/(\.d\.ts|\.js)$/, '.ts')
    if (source !== name && !existsSync(join(root, source))) rmSync(join(root, folder, name))
  }
}

/**
 * The compiler looks by itself for what has changed. It is TypeScript 7, five times as fast as 6, whose interface for
 * programs the import arrows and the mutations need.
 */
async function build(project, folder) {
  if (!existsSync(join(root, folder))) console.error('aedes-push: building')
  run(process.execPath, [COMPILER, '--build', project])
  removeStale(folder)
  mkdirSync(join(root, folder, LUA), { recursive: true })
  for (const name of readdirSync(join(root, LUA))) copyFileSync(join(root, LUA, name), join(root, folder, LUA, name))
  // Its bundler is there only now.
  const { buildConsole } = await import('./console.mjs')
  await buildConsole(root, folder)
}

/** It was asked for, or `npm ci --omit=dev` has left out the compiler. */
function isProduction() {
  return process.env.NODE_ENV === 'production' || (existsSync(INSTALLED) && !existsSync(COMPILER))
}

/** What `npm pack` makes has its build, and neither sources nor a lock file. */
const IS_PACKAGE = !existsSync(join(root, 'tsconfig.build.json'))

function requireBuild() {
  if (existsSync(join(root, 'dist', 'server', 'main.js'))) return
  console.error('aedes-push: nothing is built, and production installs no compiler; run `npm run build` first')
  process.exit(1)
}

async function prepare(what) {
  const isStart = what === 'start'
  if (isStart && IS_PACKAGE) return requireBuild()
  // The compiler is a development dependency: NODE_ENV=production must not leave it out of a build.
  install(isStart && isProduction() ? 'omit=dev' : 'include=dev')
  if (isStart && !existsSync(COMPILER)) return requireBuild()
  if (what === 'tests') await build('tsconfig.test.json', '.build')
  else await build('tsconfig.build.json', 'dist')
}

await prepare(process.argv[2])
