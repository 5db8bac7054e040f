// Does the lock file name the optional packages of all platforms, pin everything, and point to no one registry?
import { readFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { join } from 'node:path'
import { ROOT } from '../support/root.ts'

const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'))

t.test('this lock file', async (t) => {
  const { packages } = read('package-lock.json')
  t.same(missingOptional(packages), [], 'remove node_modules and the lock file, and run `npm install`')
  const others = Object.entries<{ resolved?: string }>(packages).filter(([, one]) => one.resolved !== undefined)
  t.same(others, [], 'no address of a registry')
})

t.test('versions are exact', async (t) => {
  const { dependencies, devDependencies } = read('package.json')
  for (const [name, version] of Object.entries<string>({ ...dependencies, ...devDependencies })) {
    t.match(version, /^(npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/, name)
  }
})

/** The optional packages that a lock file asks for and does not describe: then `npm ci` refuses it, on every platform. */
function missingOptional(packages: Record<string, { optionalDependencies?: Record<string, string> }>): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !nodeModulesAbove(path).some((folder) => packages[`${folder}${name}`] !== undefined),
    ),
  )
}

/** Where Node looks for what `path` imports, nearest first. */
function nodeModulesAbove(path: string): string[] {
  const levels = path === '' ? [] : path.split('/node_modules/')
  const nested = levels.map((_, index) => `${levels.slice(0, index + 1).join('/node_modules/')}/node_modules/`)
  return [...nested.reverse(), 'node_modules/']
}
