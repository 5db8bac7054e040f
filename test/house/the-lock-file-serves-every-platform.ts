// Does the lock file name the optional packages of all platforms, pin everything, and point to no one registry?
import { readFileSync } from 'node:fs'
import t from 'tap'
import { missingOptional, platformOf } from '../../scripts/complete-lock.mjs'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'))

t.test('this lock file', async (t) => {
  const { packages } = read('package-lock.json')
  t.same(missingOptional(packages), [], 'run `node scripts/complete-lock.mjs` after a change of dependencies')
  const others = Object.entries<{ resolved?: string }>(packages).filter(([, one]) => one.resolved !== undefined)
  t.same(others, [], 'no address of a registry')
})

t.test('versions are exact', async (t) => {
  const { dependencies, devDependencies } = read('package.json')
  for (const [name, version] of Object.entries<string>({ ...dependencies, ...devDependencies })) {
    t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name)
  }
})

t.test('a missing one is found where Node would look for it', async (t) => {
  const packages = {
    '': {},
    'node_modules/a': { optionalDependencies: { 'a-linux-x64': '1.0.0', 'a-darwin-arm64': '1.0.0' } },
    'node_modules/a-linux-x64': {},
    'node_modules/b/node_modules/c': { optionalDependencies: { d: '1.0.0', e: '2.0.0' } },
    'node_modules/b/node_modules/d': {},
  }
  t.same(missingOptional(packages), [
    ['node_modules/a', 'a-darwin-arm64', '1.0.0'],
    ['node_modules/b/node_modules/c', 'e', '2.0.0'],
  ])
})

t.test('a name tells its platform', async (t) => {
  t.same(platformOf('@x/binding-linux-arm64-musl'), { cpu: ['arm64'], libc: ['musl'], os: ['linux'] })
  t.same(platformOf('@x/binding-linux-arm-gnueabihf'), { cpu: ['arm'], libc: ['glibc'], os: ['linux'] })
  t.same(platformOf('@x/win32-x64'), { cpu: ['x64'], os: ['win32'] })
  t.throws(() => platformOf('fsevents'), /by hand/)
})
