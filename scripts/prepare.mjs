/**
 * Brings a bare clone to where it can run: dependencies as the lock file says, and `dist/` as the sources say.
 * Only Node itself is needed, since this runs before anything is installed. Everything it says goes to stderr:
 * stdout belongs to what runs afterwards.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFresh, sourceFiles, sourceStamp, stampFile } from './build-stamp.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const dist = join(root, 'dist')

/** Runs a command to its end, its output on our stderr; ends this process with its exit code when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })
  if (error !== undefined) fail(`${command} could not be started: ${error.message}`)
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`, status ?? 1)
}

export function fail(sentence, code = 1) {
  console.error(`aedes-push: ${sentence}`)
  process.exit(code)
}

/** The npm that runs us, or the one on the path. */
export function npm(args, options) {
  const cli = process.env.npm_execpath
  if (cli?.endsWith('.js')) run(process.execPath, [cli, ...args], options)
  else run('npm', args, options)
}

/** True when node_modules holds exactly what the lock file names (npm keeps what it installed in a file of its own). */
export function dependenciesInstalled(folder = root) {
  const installed = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages
  const same = (path) =>
    present[path] === undefined ? wanted[path].optional === true : present[path].integrity === wanted[path].integrity
  const known = Object.keys(present).every((path) => wanted[path] !== undefined)
  return known && Object.keys(wanted).every((path) => path === '' || same(path))
}

export function installDependencies() {
  if (dependenciesInstalled()) return
  console.error('aedes-push: installing dependencies')
  // The compiler is a development dependency, so NODE_ENV=production must not leave it out.
  npm(['ci', '--include=dev', '--no-audit', '--no-fund'])
}

/** Compiles next to `dist` and swaps, so that a failed or interrupted build leaves the old one whole. */
export function build() {
  if (isFresh(root, dist)) return
  console.error('aedes-push: building')
  const stamp = sourceStamp(root)
  const fresh = join(root, `.build-${process.pid}`)
  const stale = `${fresh}-old`
  const clean = () => [fresh, stale].forEach((folder) => rmSync(folder, { recursive: true, force: true }))
  process.once('exit', clean)
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh])
  for (const file of sourceFiles(root).filter((name) => name.endsWith('.lua'))) {
    mkdirSync(dirname(join(fresh, file)), { recursive: true })
    copyFileSync(join(root, file), join(fresh, file))
  }
  writeFileSync(stampFile(fresh), stamp)
  if (existsSync(dist)) renameSync(dist, stale)
  renameSync(fresh, dist)
  clean()
  process.off('exit', clean)
}

export function prepare() {
  installDependencies()
  build()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare()
