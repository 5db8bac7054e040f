// Does `npm start` in production install what it needs to run and no more, and run what was built?
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { ROOT, startProgram, temporaryFolder } from '../support/index.ts'

const BUILD = 'dist/server/main.js'
const INSTALLED = 'node_modules/.package-lock.json'
const COMPILER = 'node_modules/typescript7/bin/tsc'
const SOURCES = 'tsconfig.build.json'

/** A clone, or a package, with these files; npm is a program that notes what it is asked for. */
async function prepare(t: Test, what: string, files: readonly string[], env: Record<string, string> = {}) {
  const folder = temporaryFolder(t, 'clone')
  const at = (name: string) => join(folder, name)
  const put = (name: string, text = '') => {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), text)
  }
  put('npm.js', "require('node:fs').writeFileSync('asked', process.argv.slice(2).join(' ')); process.exit(9)")
  put('package-lock.json')
  for (const file of files) put(file, file === COMPILER ? 'process.exit(7)' : '')
  cpSync(join(ROOT, 'scripts', 'prepare.mjs'), at('scripts/prepare.mjs'))
  const args = ['scripts/prepare.mjs', ...(what === '' ? [] : [what])]
  const program = startProgram(t, process.execPath, args, { cwd: folder, env: { npm_execpath: at('npm.js'), ...env } })
  const { code } = await program.exited
  const asked = existsSync(at('asked')) ? readFileSync(at('asked'), 'utf8') : undefined
  return { code, asked, errors: program.stderr.join('\n') }
}

const PRODUCTION = { NODE_ENV: 'production' }
const OMITTED = 'ci --omit=dev --no-audit --no-fund'
const INCLUDED = 'ci --include=dev --no-audit --no-fund'
/** What the stand-in of npm, and that of the compiler, end with. */
const NPM_RAN = 9
const COMPILER_RAN = 7

t.test('NODE_ENV=production', async (t) => {
  const bare = await prepare(t, 'start', [SOURCES, BUILD], PRODUCTION)
  t.match(bare, { code: NPM_RAN, asked: OMITTED })
  t.match(await prepare(t, 'start', [SOURCES, BUILD, INSTALLED], PRODUCTION), { code: 0, asked: undefined })
  const unbuilt = await prepare(t, 'start', [SOURCES, INSTALLED], PRODUCTION)
  t.match(unbuilt, { code: 1, asked: undefined, errors: /npm run build/ })
  const built = await prepare(t, 'start', [SOURCES, BUILD, INSTALLED, COMPILER], PRODUCTION)
  t.match(built, { code: COMPILER_RAN, asked: undefined }, 'a compiler that is there keeps the build new')
})

t.test('after npm ci --omit=dev', async (t) => {
  t.match(await prepare(t, 'start', [SOURCES, BUILD, INSTALLED]), { code: 0, asked: undefined })
  t.match(await prepare(t, 'start', [SOURCES, INSTALLED]), { code: 1, asked: undefined, errors: /npm run build/ })
})

t.test('a package of npm pack', async (t) => {
  t.match(await prepare(t, 'start', [BUILD]), { code: 0, asked: undefined })
})

t.test('whoever builds has the compiler', async (t) => {
  t.match(await prepare(t, 'start', [SOURCES]), { code: NPM_RAN, asked: INCLUDED }, 'a bare clone')
  t.match(await prepare(t, '', [SOURCES], PRODUCTION), { code: NPM_RAN, asked: INCLUDED }, 'npm run build')
  t.match(await prepare(t, 'tests', [SOURCES, INSTALLED, COMPILER], PRODUCTION), { code: COMPILER_RAN }, 'npm test')
})
