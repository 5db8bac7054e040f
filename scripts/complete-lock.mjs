/**
 * Names in package-lock.json the optional packages of every platform.
 *
 * A compiled tool comes as one optional package a platform. When the registry that `npm install` asked does not serve those
 * of other platforms, npm leaves them out of the lock file, and `npm ci` then refuses it ("Missing ... from lock file"),
 * on this platform too. What is written here is what npm itself would write, less the integrity of files that were
 * never seen. Run it after a change of dependencies; `test/house` tells when that was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']

/** The optional packages that a lock file asks for and does not describe: [path of the asker, name, version]. */
export function missingOptional(packages) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !nodeModulesAbove(path).some((folder) => packages[`${folder}${name}`] !== undefined))
      .map(([name, version]) => [path, name, version]),
  )
}

/** Where Node looks for what `path` imports, nearest first. */
function nodeModulesAbove(path) {
  const levels = path === '' ? [] : path.split('/node_modules/')
  const nested = levels.map((_, index) => `${levels.slice(0, index + 1).join('/node_modules/')}/node_modules/`)
  return [...nested.reverse(), 'node_modules/']
}

/** What a name such as `@x/tool-linux-arm64-musl` says of its platform. */
export function platformOf(name) {
  const words = name.split('/').at(-1).split('-')
  const at = words.findIndex((word) => SYSTEMS.includes(word))
  const [os, cpu, abi] = words.slice(at)
  if (at === -1 || cpu === undefined) throw new Error(`${name} does not tell its platform; complete the lock by hand`)
  const libc = abi?.startsWith('musl') ? 'musl' : abi?.startsWith('gnu') && os === 'linux' ? 'glibc' : undefined
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] }
}

function entryOf(asker, name, version) {
  const { cpu, libc, os } = platformOf(name)
  return {
    version,
    cpu,
    ...(asker.dev === true ? { dev: true } : {}),
    ...(libc === undefined ? {} : { libc }),
    ...(asker.license === undefined ? {} : { license: asker.license }),
    optional: true,
    os,
    ...(asker.engines === undefined ? {} : { engines: asker.engines }),
  }
}

function complete(file) {
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  for (const [path, name, version] of missingOptional(lock.packages)) {
    lock.packages[`node_modules/${name}`] = entryOf(lock.packages[path], name, version)
    console.error(`aedes-push: ${name}@${version} is now in the lock file`)
  }
  const compare = new Intl.Collator('en').compare
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => compare(a, b)))
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  complete(process.argv[2] ?? fileURLToPath(new URL('../package-lock.json', import.meta.url)))
}
